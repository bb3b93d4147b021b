"""What a recurrence does in the long run.

Read `oscillator` first: a differential equation stepped through is a recurrent network (`motion` is the problem,
`methods` the stepping). Then `spectral`, what the recurrent matrix says about gradients, which names its files in the
order in which to read them, and `flow`, where the gradient of a real run goes. `lyapunov` asks what runs do in the long
run, and `maps` are recurrences for which others have answered. `incoming` is the small print: it looks at what all of
them are given.
"""

from minigrad.rnn.dynamics import flow, lyapunov, maps, oscillator, spectral

__all__ = ["flow", "lyapunov", "maps", "oscillator", "spectral"]
