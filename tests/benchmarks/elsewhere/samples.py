"""PyTorch's own examples of calls, as its tests have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.elsewhere.cases import Case, resolved
from tests.benchmarks.elsewhere.checking import quiet


def torch_samples() -> dict[str, list[Case]]:
    """By the name of the function; none without the packages that PyTorch's test tools want."""
    try:
        from torch.testing._internal.common_methods_invocations import op_db
    except ImportError:
        return {}
    torch = resolved("torch")
    found: dict[str, list[Case]] = {}
    for op in op_db:
        path = next((f"{root}.{op.name}" for root in ("torch", "torch.Tensor") if _has(f"{root}.{op.name}")), None)
        if path is None or not op.supports_autograd or torch.float64 not in op.dtypes:
            continue
        torch.manual_seed(0)
        try:
            with quiet():
                samples = list(op.sample_inputs("cpu", torch.float64))
        except Exception:
            continue
        for sample in samples:
            try:
                case = Case("torch", path, _plain((sample.input, *sample.args)), _plain(sample.kwargs), "sample")
            except Exception:
                continue
            if case.floats and 0 < sum(x.size for x in case.floats) <= 60 and len(found.get(path, [])) < 40:
                found.setdefault(path, []).append(case)
    return found


def _plain(tree: Any) -> Any:
    """Tensors as arrays, in Python's own containers."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return (list if isinstance(tree, list) else tuple)(map(_plain, tree))
    return np.array(tree.detach().numpy()) if hasattr(tree, "detach") else tree


def _has(path: str) -> bool:
    try:
        resolved(path)
    except (AttributeError, ImportError):
        return False
    return True
