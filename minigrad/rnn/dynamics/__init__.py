"""What a recurrence does in the long run.

Read `oscillator` first: a differential equation stepped through is a recurrent network (`motion` is the problem,
`methods` the stepping). Then `spectral`, what the recurrent matrix says about gradients (`spectrum`, `expansion`,
`dominant`, `products`, `pseudospectra`, `numerical_range`, `kreiss`, `verdict`), and `flow`, where the gradient of a
real run goes. `incoming` is the small print: it looks at what all of them are given.
"""

from minigrad.rnn.dynamics import flow, oscillator, spectral

__all__ = ["flow", "oscillator", "spectral"]
