"""A traced computation written back as the NumPy program that one would have written by hand: see docs/compile.md.

In reading order: `node`, what a traced program is made of. `traced`: what stands in the place of arrays and sees every
call. `arguments`: what a function is given, and what it reads besides. `tracing`: from a function to its calls.
`simplify`, `algebra`, `masks`: fewer calls for the same numbers. `families`, `schedule`, `batching`: steps that are
alike, and loops. `merging`, `calls`, `text`, `planning`: the program as text. `compiled`: the function that users hold.
"""
