"""A traced computation written back as the NumPy program that one would have written by hand: see docs/compile.md.

In reading order: `node`, what a traced program is made of. `traced`: what stands in the place of arrays and sees every
call. `keeping`: what a program leaves behind. `arguments`: what a function is given, and what it reads besides;
`again`: whether that is what it was. `tracing`: from a function to its calls. `simplify`, `algebra`, `masks`: fewer
calls for the same numbers. `families`, `schedule`: steps that are alike, and loops. `naming`, `batching`, `calls`,
`text`: the program as text; `merging`, `homes`, `planning`: what stands in it. `program`: all these passes, one after
the other. `steady`, `lengths`: one program for sequences of any length. `compiled`: the function that users hold.
"""
