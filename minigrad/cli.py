"""The command ``minigrad``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

try:
    import typer
    from rich.console import Console
    from rich.table import Table
except ModuleNotFoundError as missing:
    print(f'minigrad: the command needs {missing.name}: pip install "minigrad-rnn[cli]"', file=sys.stderr)
    raise SystemExit(2) from None

import minigrad
from minigrad.draw.engines import EngineError, NoEngineError

app = typer.Typer(
    name="minigrad",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Example: minigrad demo --quick --out pictures",
)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What is wrong with the input or the machine becomes one sentence and exit status 2."""
    try:
        yield
    except ModuleNotFoundError as error:
        wrong = f'this needs {error.name}: pip install "minigrad-rnn[all]"'
    except (ValueError, OSError, FloatingPointError, EngineError, NoEngineError) as error:
        wrong = str(error)
    else:
        return
    print(f"minigrad: {wrong}", file=sys.stderr)
    raise typer.Exit(2)


def _seed(text: str) -> int:
    if not str(text).isdecimal():
        raise typer.BadParameter(f"{text!r} is not a seed: give a whole number of at least 0")
    return int(text)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Differentiable NumPy that unrolls, trains and draws recurrent networks."""
    if version:
        print(minigrad.__version__)
        raise typer.Exit()


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
        raise typer.Exit(130)
    table = Table(title=f"{out}/", title_justify="left")
    table.add_column("picture", no_wrap=True)
    table.add_column("what it shows")
    for row in outcome.rows:
        table.add_row(row.file, row.shows)
    Console().print(table)


if __name__ == "__main__":
    app()
