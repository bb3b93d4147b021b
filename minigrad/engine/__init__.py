"""The engine: how ordinary NumPy is recorded as a graph, and how derivatives are carried along it.

Read it in this order; each file needs only those before it (but for one line: the method `Tensor.backward`). `tables`:
what is known about functions. `calls`: a call as the rules expect it. `context`: what surrounds a computation.
`standin`: what may be there in the place of an array. `tensor`: an array and the memory of how it was made; `record` is
all that a forward pass does. `primitive`: functions of your own. `ancestors`: what a result was made from, in order.
`cotangents`: how shares of a gradient add up. `walk`: back-propagation; `propagate` is the algorithm. `pushforward`:
forward mode, by the same rules.
"""
