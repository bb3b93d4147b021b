"""The checker aimed at other frameworks: what released versions get wrong, and whether anybody is accused wrongly.

    python -m tests.benchmarks.elsewhere torch --seconds 1200 --out /tmp/elsewhere

`catalogue` finds the differentiable functions of a library and calls of them (with `names`, `calls` and `samples`, who
know what signatures alone do not tell), `points` draws arguments, `cases` holds one call and writes it down, `checking`
checks it, `judging` looks at every *fail* by other means than the checker's, in 50 digits where `twins` knows the
function, `shrinking` makes it small, and `tables` writes what was found as Markdown.
"""
