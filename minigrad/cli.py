"""The command ``minigrad``: what each of its subcommands reads, calls and prints.

The work is done elsewhere in the package. Here are the options, one sentence instead of a traceback for whatever goes
wrong, and the exit status: 0 for done, 2 for a question that was wrong, 130 for Ctrl-C; `check` has two more, 1 and 3.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

try:
    import typer
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
except ModuleNotFoundError as error:
    advice = f'the command needs {error.name}: run pip install ".[cli]" in a clone of minigrad'
    print(f"minigrad: {advice}", file=sys.stderr)
    raise SystemExit(2) from None

import minigrad as mg
from minigrad.faults import Fault, missing, told
from minigrad.pictures.dot import GraphvizError, NoGraphvizError

if TYPE_CHECKING:  # the checker is imported by the commands that need it
    from minigrad.engine.tensor import Array
    from minigrad.testing import GradReport
    from minigrad.testing.examples import Arguments, Domain

app = typer.Typer(
    name="minigrad",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Example: minigrad demo --quick --out pictures",
)


# -- what the commands have in common ---------------------------------------------------------------------------------


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What is wrong with the input, the user's code or the machine becomes one sentence and exit status 2."""
    try:
        yield
    except ModuleNotFoundError as error:
        wrong = missing(error)
    except (Fault, ValueError, TypeError, OSError, FloatingPointError, GraphvizError, NoGraphvizError) as error:
        wrong = str(error)
    else:
        return
    print(f"minigrad: {wrong}", file=sys.stderr)
    raise typer.Exit(2)


@contextmanager
def _current_folder() -> Iterator[Path]:
    """The folder that the command was called in: its modules are found as long as this lasts.

    That is longer than the import of one, since functions import others when they are called. What the user's code does
    to the search path and to the current folder is undone in the end.
    """
    folder, path = Path.cwd(), list(sys.path)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # a module may be younger than what is remembered of the folder
    try:
        yield folder
    finally:
        sys.path[:] = path
        os.chdir(folder)


def _named(name: str) -> Callable[..., Any]:
    """The function that ``package.module:function`` names; ``function`` may be ``Class.method``."""
    module, _, attribute = name.partition(":")
    if module.endswith(".py"):
        dotted = module.removesuffix(".py").replace(os.sep, ".")
        raise ValueError(f"{name!r} names a file: write {dotted}:{attribute or 'function'}")
    if not (attribute and all(part.isidentifier() for part in module.split("."))):
        raise ValueError(f"{name!r} names no function: write package.module:function")
    imported: Any = None
    with told(f"when {module} was imported", module):
        try:
            imported = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise  # the module is there, and needs another that is not
    if imported is None:
        raise ValueError(f"there is no module {module} here or among the installed ones")
    found = imported
    for part in attribute.split("."):
        with told(f"when asked for {attribute}", module):
            there = hasattr(found, part)
            found = getattr(found, part, None)
        if not there:
            file = getattr(imported, "__file__", None) or "built in"
            raise ValueError(f"module {module} ({file}) has no {attribute}")
    if not callable(found):
        raise ValueError(f"{name} is no function but of type {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def _arguments(f: Callable[..., Any], shapes: list[str] | None, domain: Domain | None = None) -> Arguments:
    """What a function takes: what the options say, or else its decorator."""
    from minigrad.testing.examples import arguments_of

    return arguments_of(f, [_shape(text) for text in shapes or ()], domain)


def _called_with(args: Sequence[Array]) -> str:
    shapes = ", ".join(str(x.shape) for x in args)
    return f"when called with arrays of shape {shapes}" if args else "when called without arguments"


def _seed(text: str) -> int:
    if not str(text).isdecimal():
        raise typer.BadParameter(f"{text!r} is not a seed: give a whole number of at least 0")
    return int(text)


def _shape(text: str) -> tuple[int, ...]:
    inside = text.strip().removeprefix("(").removesuffix(")")
    sizes = [size.strip() for size in inside.split(",") if size.strip()]
    if not all(size.isdecimal() for size in sizes):
        raise ValueError(f"{text!r} is no shape: write 3,4 for a matrix, 3 for a vector, () for a number")
    return tuple(map(int, sizes))


def _domain(text: str | None) -> Domain | None:
    low, comma, high = (text or "").partition(",")
    try:
        return (float(low), float(high)) if comma else text
    except ValueError:
        raise ValueError(f"{text!r} is no domain: write the name of one, or its ends, as in 0.5,2") from None


class Cell(StrEnum):
    """The networks that ``minigrad unroll`` knows."""

    rnn = "rnn"
    feedback = "feedback"


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


# -- the commands -----------------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Differentiable NumPy that unrolls, trains and draws recurrent networks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a report holds ⟨ and ᵀ, which not every terminal can write
    if version:
        print(mg.__version__)
        raise typer.Exit


@app.command(epilog="Example: minigrad demo --quick --seed 3 --out pictures")
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write the pictures to; made if it is not there.")] = Path(
        "minigrad-demo"
    ),
    seed: Annotated[int, typer.Option(parser=_seed, metavar="N", help="Fixes all random numbers.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the training.")] = False,
) -> None:
    """The lecture, once through: simulate a forced oscillator, train a network on it by clipped BPTT, draw it all.

    Writes unrolled.svg, trajectory.svg, gradient_flow.svg, spectrum.svg and training.svg, the best parameters as
    model.npz, and prints what each picture shows. Ctrl-C during training keeps the best parameters so far.
    """
    with _clear_errors():
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
    table.add_column("what it shows")
    for row in outcome.rows:
        table.add_row(row.file, row.shows)
    Console().print(table)


@app.command(epilog="Example: minigrad unroll --cell feedback --steps 5 --radius 0.5 --out unrolled.svg")
def unroll(
    out: Annotated[Path, typer.Option(help="The picture: .svg, .png, .pdf, .html (which moves) or .dot.")] = Path(
        "unrolled.svg"
    ),
    cell: Annotated[Cell, typer.Option(help="What is fed back: the hidden state, or the output.")] = Cell.rnn,
    steps: Annotated[int, typer.Option(min=1, metavar="T", help="Length of the sequence.")] = 4,
    hidden: Annotated[int, typer.Option(min=1, metavar="N", help="Hidden units.")] = 8,
    batch: Annotated[int, typer.Option(min=1, metavar="B", help="Sequences at once.")] = 1,
    radius: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="RHO", help="Spectral radius of W: gradients vanish at 0.5, explode at 1.5."),
    ] = None,
    forcing: Annotated[bool, typer.Option("--forcing", help="Feed targets back (needs --cell feedback).")] = False,
    last: Annotated[bool, typer.Option("--last", help="Differentiate the last step's cost alone.")] = False,
    seed: Annotated[int, typer.Option(parser=_seed, metavar="N", help="Fixes all random numbers.")] = 0,
) -> None:
    """Unroll a network along random numbers, and draw it coloured by the gradient that flowed."""
    with _clear_errors():
        rng = np.random.default_rng(seed)
        kind = mg.rnn.RNN if cell is Cell.rnn else mg.rnn.OutputFeedbackRNN
        model = kind(2, hidden, 1, radius=radius, rng=rng)
        xs, targets = rng.normal(size=(steps, batch, 2)), rng.normal(size=(steps, batch, 1))
        run = mg.rnn.unroll(model, xs, targets, teacher_forcing=forcing)
        of = run["C"][-1] if last else None
        picture = mg.rnn.animate(run, of) if out.suffix.lower() == ".html" else mg.rnn.draw(run, of)
        print(picture.render(out))


@app.command(epilog="Example: minigrad draw package.module:function --out graph.svg --level scope")
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
    with _clear_errors(), _current_folder() as folder:
        f = _named(function)
        taken = _arguments(f, shape) if shape or hasattr(f, "arguments") else None
        points = taken.drawn(np.random.default_rng(0)) if taken else ()
        own = getattr(getattr(f, "__code__", None), "co_varnames", ())  # the parameters come first
        names = [*own, *(f"x{i}" for i in range(len(own), len(points)))]
        tensors = [mg.Tensor(x, requires_grad=True, name=name) for x, name in zip(points, names, strict=False)]
        with told(_called_with(points), function, f):
            output = f(*tensors)
        picture = mg.draw(output, level=level.value, color=color.value, expand=tuple(expand or ()))
        picture.render(folder / out)  # which the function may have left
        print(out)


@app.command(epilog="Example: minigrad check package.module:function --shape 3,4 --shape 4 --seed 1")
def check(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Of NumPy; whose gradient is checked.")],
    vjp: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION", help="Check this formula, vjp(cotangent, *args), not minigrad's gradient."
        ),
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(metavar="3,4", help="Shape of an argument; once for each, () for a number.")
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(help="Where the numbers come from: real, bounded, positive, unit, nonzero ..., or between 0.5,2."),
    ] = None,
    order: Annotated[int, typer.Option(min=1, max=4, help="Up to which derivative.")] = 2,
    examples: Annotated[int, typer.Option(min=1, metavar="N", help="At how many points.")] = 10,
    seed: Annotated[int, typer.Option(parser=_seed, metavar="N", help="Of the first point.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Only right is good enough: exit status 1, not 3, where it cannot be told.")
    ] = False,
) -> None:
    """Check the gradient of a function against the function itself, at several random points.

    Exit status 0: it is right. 1: it is wrong. 3: that could not be told. 2: the question was wrong, or the function
    cannot be imported or called; then one sentence says why, with file and line.
    """
    reports: dict[int, GradReport] = {}
    with _clear_errors(), _current_folder():
        f = _named(function)
        formula = _named(vjp) if vjp else None
        taken = _arguments(f, shape, _domain(domain))
        for number in range(seed, seed + examples):
            args = taken.drawn(np.random.default_rng(number))
            happening = f"{_called_with(args)} (domain {taken.domain}, seed {number})"
            with told(happening, function, f), np.errstate(all="ignore"):  # the report says what is not finite
                reports[number] = (
                    mg.testing.vjp_report(f, formula, args, seed=number)
                    if formula
                    else mg.testing.grad_report(f, args, order=order, seed=number)
                )
                if (error := reports[number].error) is not None and reports[number].verdict == "inconclusive":
                    raise error
            if reports[number].verdict == "fail":
                break
        _show(function, reports)
    doubtful = [report for report in reports.values() if report.verdict != "pass"]
    wrong = [report for report in doubtful if strict or report.verdict == "fail"]
    wrong.sort(key=lambda report: report.verdict != "fail")  # what is known to be wrong is shown first
    if wrong:
        print(f"\n{wrong[0]}")
        raise typer.Exit(1)
    if doubtful:
        raise typer.Exit(3)


def _show(title: str, reports: dict[int, GradReport]) -> None:
    """The verdict at each point."""
    table = Table(title=title, title_justify="left")
    for column in ("seed", "verdict", "why"):
        table.add_column(column)
    for number, report in reports.items():
        table.add_row(str(number), report.verdict, Text(report.reason))
    Console().print(table)


if __name__ == "__main__":
    app()
