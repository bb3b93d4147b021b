"""Tests mirror the package. They run in as many processes as there are cores, so that NumPy gets one thread in each."""

import os

BLAS = [f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "BLIS")]
for _name in BLAS:
    os.environ.setdefault(_name, "1")  # which is looked at when NumPy is loaded
