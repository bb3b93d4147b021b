"""How hypothesis comes to know Tensors: what it calls when it is imported, as the project's metadata ask it to.

This is a file of its own, because ``import minigrad.testing.strategies`` may be what imports hypothesis: a hook in a
module that needs hypothesis would then be looked up while that module is still half written.
"""

from __future__ import annotations

from typing import Any

from minigrad.engine.tensor import Tensor


def register() -> None:
    """Tell hypothesis that ``st.from_type(minigrad.Tensor)`` is `minigrad.testing.strategies.tensors`."""
    from hypothesis import strategies as st

    st.register_type_strategy(Tensor, _tensors)


def _tensors(_: type[Tensor]) -> Any:
    from minigrad.testing.strategies import tensors  # at the first use: importing hypothesis stays cheap

    return tensors()
