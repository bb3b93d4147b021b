"""Costs and gradients of one batch after the other: compiled if that can be, and else by the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from minigrad.compiler.compiled import compile
from minigrad.compiler.lengths import LONG
from minigrad.compiler.steady import steady
from minigrad.engine.tensor import Tensor
from minigrad.rnn.stepping import Model
from minigrad.rnn.unrolling import Run, unroll
from minigrad.scopes import no_grad


class Slopes:
    """What `minigrad.rnn.fit` asks for at every update.

    Parameters
    ----------
    model : Model
    options : dict
        Of `unroll`.
    penalty : callable, optional
        ``penalty(run)`` is added to the cost before it is differentiated.
    compiled : bool
        Whether to try; what cannot be compiled is computed by the engine, and ``why`` says why.
    """

    def __init__(
        self, model: Model, options: dict[str, Any], penalty: Callable[[Run], Any] | None, compiled: bool
    ) -> None:
        def slopes(model: Any, xs: Any, targets: Any, weights: Any) -> Any:
            for p in model.parameters().values():
                p.grad = None
            run = unroll(model, xs, targets, weights=weights, **options)
            cost: Any = run.cost
            (cost if penalty is None else cost + penalty(run)).backward()
            return cost

        def cost(model: Any, xs: Any, targets: Any, weights: Any) -> Any:
            with no_grad():
                return unroll(model, xs, targets, weights=weights, **options).cost

        self.model, self.slopes, self.costs = model, slopes, cost
        self.programs = {f: compile(f, without="reorder") for f in (slopes, cost)} if compiled else {}
        self.whole = steady((slopes, model)) == "no"  # whether all of a sequence has to be traced
        self.why = ""

    def __call__(self, xs: Any, targets: Any, weights: Any = None) -> float:
        """The cost of a batch without the penalty; its gradients are left on the parameters."""
        return self.found(self.slopes, xs, targets, weights)

    def cost(self, xs: Any, targets: Any, weights: Any = None) -> float:
        """The cost of a batch without the penalty, and nothing else."""
        return self.found(self.costs, xs, targets, weights)

    def found(self, f: Callable[..., Any], *batch: Any) -> float:
        """The cost that ``f`` gives for the model and a batch."""
        cost = self.called(f, batch)
        return float(cost.item() if isinstance(cost, Tensor) else cost)

    def called(self, f: Callable[..., Any], batch: tuple[Any, ...]) -> Any:
        """``f(model, *batch)``, by its program if there is one."""
        traced_whole = self.whole or batch[-1] is not None  # with weights programs are made for them
        if f not in self.programs or (traced_whole and len(batch[0]) > LONG):
            return f(self.model, *batch)
        try:
            return self.programs[f](self.model, *batch)
        except Exception as error:  # of the function itself, which then raises it again, or of compiling it
            found = f(self.model, *batch)
            del self.programs[f]
            if self.why != (why := str(error).splitlines()[0]):
                self.why = why
                logging.getLogger(__name__).info("this training is not compiled: %s", why)
            return found
