"""Tests mirror the package. They run in as many processes as there are cores, so that NumPy gets one thread in each."""

import os

for _library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "BLIS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")  # which is looked at when NumPy is loaded
