"""A traced computation written back as the NumPy program that one would have written by hand.

docs/compile.md tells how, and has these files in reading order: from `node`, what a program is made of, to `compiled`,
the function that users hold.
"""
