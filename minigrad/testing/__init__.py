"""Checking gradients: numerical derivatives with an error bar, and checks that tell pass, fail and inconclusive apart.

`check_grads` for functions of tensors, `check_vjp` for a formula of NumPy functions; `adapters` for what other
frameworks differentiate; `strategies` and `programs`, which need hypothesis (in the extra ``testing``), for property
tests.

Examples
--------
>>> import numpy as np
>>> from minigrad import testing
>>> x = np.array([0.5, 1.0])
>>> print(testing.grad_report(np.sin, (x,)).verdict)
pass
>>> right, wrong = lambda g, x: g * np.cos(x), lambda g, x: g * np.sin(x)
>>> print(testing.vjp_report(np.sin, right, (x,)).verdict, testing.vjp_report(np.sin, wrong, (x,)).verdict)
pass fail
>>> _ = testing.check_vjp(np.sin, right, (x,))  # or a GradCheckError
>>> along = lambda v, x: v[0] * np.cos(x)
>>> _ = testing.check_adjoint(along, right, (x,))
>>> print(testing.adjoint_report(along, wrong, (x,)).verdict)
fail

Numerical derivatives come with an error bar:

>>> (slope,) = testing.numerical_gradient(lambda x: np.sum(np.sin(x)), (x,))
>>> bool(np.all(np.abs(slope.value - np.cos(x)) <= slope.error))
True
>>> (same,) = testing.numerical_vjp(np.sin, (x,), np.ones(2))
>>> bool(np.allclose(same.value, slope.value))
True
>>> testing.near_kink(np.abs, (0.0,), (1.0,)), testing.near_kink(np.abs, (1.0,), (1.0,))
(True, False)
"""

import importlib
from typing import Any

from minigrad.testing.checks import adjoint_report, check_adjoint, check_grads, check_vjp, grad_report, vjp_report
from minigrad.testing.examples import arguments
from minigrad.testing.numerical import Estimate, near_kink, numerical_gradient, numerical_jvp, numerical_vjp
from minigrad.testing.report import Finding, GradCheckError, GradReport, Row

__all__ = [
    "Estimate",
    "Finding",
    "GradCheckError",
    "GradReport",
    "Row",
    "adjoint_report",
    "arguments",
    "check_adjoint",
    "check_grads",
    "check_vjp",
    "grad_report",
    "near_kink",
    "numerical_gradient",
    "numerical_jvp",
    "numerical_vjp",
    "vjp_report",
]


importlib.import_module(
    "numpy.random"
)  # or NumPy would import it in the first check, within a property test's deadline


def __getattr__(name: str) -> Any:
    """``strategies`` and ``programs`` are imported when they are asked for: hypothesis may not be there."""
    if name == "adapters":
        return importlib.import_module("minigrad.testing.adapters")
    if name in ("strategies", "programs"):
        try:
            return importlib.import_module(f"minigrad.testing.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != "hypothesis":
                raise
            advice = f'minigrad.testing.{name} needs hypothesis: run pip install ".[testing]" in a clone of minigrad'
            raise ModuleNotFoundError(advice, name="hypothesis") from None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
