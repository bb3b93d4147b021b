"""Back-propagation through time, by minigrad and by others: what each takes, side by side.

- `problem`: the networks and their sizes, and when two gradients agree.
- `by_numpy`, `by_minigrad`, `by_torch`, `by_others`: the contenders, each a function that goes forward and back.
- `worker`: a contender in a process of its own, and what it can be asked.
- `races`: who is asked what, and in which order. `growth`: how time and memory grow with T, n and B.
- `page`: the answers as Markdown, and as a figure.
"""
