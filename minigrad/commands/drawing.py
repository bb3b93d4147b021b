"""The commands that write pictures: ``demo``, ``unroll``, ``draw``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import minigrad as mg
from minigrad.commands.common import (
    Cell,
    arguments_for,
    called_with,
    clear_errors,
    current_folder,
    function_named,
    seed_of,
)
from minigrad.faults import told


class Level(StrEnum):
    """How ``minigrad draw`` groups what it draws."""

    auto = "auto"
    operation = "operation"
    scope = "scope"


class Color(StrEnum):
    """What the colours of ``minigrad draw`` show."""

    gradient = "gradient"
    value = "value"
    none = "none"


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write the pictures to; made if it is not there.")] = Path(
        "minigrad-demo"
    ),
    seed: Annotated[int, typer.Option(parser=seed_of, metavar="N", help="Fixes all random numbers.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the training.")] = False,
) -> None:
    """The lecture, once through: simulate a forced oscillator, train a network on it by clipped BPTT, draw it all.

    Writes unrolled.svg, trajectory.svg, gradient_flow.svg, spectrum.svg and training.svg, the best parameters as
    model.npz, and prints what each picture shows. Without Graphviz, unrolled.svg is missing, and the exit status is 1.
    Ctrl-C during training keeps the best parameters so far.
    """
    with clear_errors():
        from minigrad import demo as lecture  # imports matplotlib

        try:
            outcome = lecture.run(out, seed, quick, progress=True)
        except KeyboardInterrupt:  # not during the training, which knows what to do itself
            print(f"interrupted: not all pictures were written to {out}", file=sys.stderr)
            raise typer.Exit(130) from None
    if outcome.history.interrupted:
        print(f"the best parameters so far are in {outcome.model}", file=sys.stderr)
        raise typer.Exit(130)
    table = Table(title=f"{out}/", title_justify="left")
    table.add_column("picture", no_wrap=True)
    table.add_column("what it shows", overflow="fold")
    for row in outcome.rows:
        table.add_row(row.file, Text(row.shows))
    Console().print(table)
    if not all(row.written for row in outcome.rows):
        raise typer.Exit(1)


def unroll(
    out: Annotated[Path, typer.Option(help="The picture: .svg, .png, .pdf, .html (which moves) or .dot.")] = Path(
        "unrolled.svg"
    ),
    cell: Annotated[Cell, typer.Option(help="The network.")] = Cell.rnn,
    steps: Annotated[int, typer.Option(min=1, metavar="T", help="Length of the sequence.")] = 4,
    hidden: Annotated[int, typer.Option(min=1, metavar="N", help="Hidden units.")] = 8,
    batch: Annotated[int, typer.Option(min=1, metavar="B", help="Sequences at once.")] = 1,
    radius: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="RHO", help="Spectral radius of W: gradients vanish at 0.5, explode at 1.5."),
    ] = None,
    forcing: Annotated[bool, typer.Option("--forcing", help="Feed targets back (needs --cell feedback).")] = False,
    last: Annotated[bool, typer.Option("--last", help="Differentiate the last step's cost alone.")] = False,
    seed: Annotated[int, typer.Option(parser=seed_of, metavar="N", help="Fixes all random numbers.")] = 0,
) -> None:
    """Unroll a network along random numbers, and draw it coloured by the gradient that flowed."""
    with clear_errors():
        from minigrad.rnn.experiments import network  # imports all networks

        rng = np.random.default_rng(seed)
        model = network(cell, 2, hidden, 1, rng=rng, radius=radius)
        xs, targets = rng.normal(size=(steps, batch, 2)), rng.normal(size=(steps, batch, 1))
        run = mg.rnn.unroll(model, xs, targets, teacher_forcing=forcing)
        of = run["C"][-1] if last else None
        picture = mg.rnn.animate(run, of) if out.suffix.lower() == ".html" else mg.rnn.draw(run, of)
        print(picture.render(out))


def draw(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="What it computes from tensors is drawn.")],
    shape: Annotated[
        list[str] | None, typer.Option(metavar="3,4", help="Shape of an argument; once for each, () for a number.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture: .svg, .png, .pdf or .dot.")] = Path("graph.svg"),
    level: Annotated[Level, typer.Option(help="One node an operation, or a scope.")] = Level.auto,
    color: Annotated[Color, typer.Option(help="What the colours show.")] = Color.gradient,
    expand: Annotated[list[str] | None, typer.Option(help="A scope to draw in full; may be given again.")] = None,
) -> None:
    """Draw the graph that a function records, operation by operation.

    A function that takes arguments is given random numbers of the shapes that are told here, or by the decorator
    minigrad.testing.arguments.
    """
    with clear_errors(), current_folder() as folder:
        f = function_named(function)
        taken = arguments_for(f, shape) if shape or hasattr(f, "arguments") else None
        points = taken.drawn(np.random.default_rng(0)) if taken else ()
        own = getattr(getattr(f, "__code__", None), "co_varnames", ())  # the parameters come first
        names = [*own, *(f"x{i}" for i in range(len(own), len(points)))]
        tensors = [mg.Tensor(x, requires_grad=True, name=name) for x, name in zip(points, names, strict=False)]
        with told(called_with(points), function, f):
            output = f(*tensors)
        picture = mg.draw(output, level=level.value, color=color.value, expand=tuple(expand or ()))
        picture.render(folder / out)  # which the function may have left
        print(out)
