"""The checker aimed at other frameworks: what released versions get wrong, and whether anybody is accused wrongly.

    python -m tests.benchmarks.elsewhere torch --seconds 1200 --out /tmp/elsewhere

`catalogue` finds the differentiable functions of a library and calls of them, `points` draws arguments, `cases` holds one
call and writes it down, `checking` checks it, `judging` looks at every *fail* by other means than the checker's,
`shrinking` makes it small, and `tables` writes what was found as Markdown. `calls` and `constants` say what signatures
alone do not tell: which arguments a function wants, and what it is in 50 digits.
"""
