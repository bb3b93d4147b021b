"""The command ``minigrad``, also ``python -m minigrad``: its subcommands by what one wants, each with an example.

The work is done elsewhere in the package, and what the subcommands read and print is in `minigrad.commands`. They give
one sentence instead of a traceback for whatever goes wrong, and the exit status: 0 for done, 2 for a question that was
wrong, 130 for Ctrl-C; `check` has two more, 1 and 3.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Annotated

try:
    import rich  # noqa: F401  # which the commands print tables with
    import typer
except ModuleNotFoundError as error:
    advice = f'the command needs {error.name}: run pip install ".[cli]" in a clone of minigrad'
    print(f"minigrad: {advice}", file=sys.stderr)
    raise SystemExit(2) from None

import minigrad as mg
from minigrad.commands import checking, drawing, studying, sweeping, training

app = typer.Typer(
    name="minigrad",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Example: minigrad demo --quick --out pictures",
)

COMMANDS: dict[str, dict[Callable[..., None], str]] = {
    "To begin with": {
        drawing.demo: "minigrad demo --quick --seed 3 --out pictures",
    },
    "To study what gradients do": {
        studying.spectrum: "minigrad spectrum adding/adding.npz --out spectrum",
        studying.cliff: "minigrad cliff --clip 0.5 --out cliff",
    },
    "To draw": {
        drawing.unroll: "minigrad unroll --cell feedback --steps 5 --radius 0.5 --out unrolled.svg",
        drawing.draw: "minigrad draw package.module:function --out graph.svg --level scope",
    },
    "To check a gradient": {
        checking.check: "minigrad check package.module:function --shape 3,4 --shape 4 --seed 1",
    },
    "To train": {
        training.train: "minigrad train adding --cell lstm --hidden 32 --clip 1 --out adding",
        training.generate: "minigrad generate text/text.npz --steps 300 --temperature 0.7",
        sweeping.sweep: "minigrad sweep order --clip none,1 --steps 20:100:3 --seeds 5 --workers 2 --out order",
    },
}
"""The subcommands by what one wants, each with an example."""
for wanted, commands in COMMANDS.items():
    for command, example in commands.items():
        app.command(epilog=f"Example: {example}", rich_help_panel=wanted)(command)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Differentiable NumPy that unrolls, trains and draws recurrent networks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a report holds ⟨ and ᵀ, which not every terminal can write
    if version:
        print(mg.__version__)
        raise typer.Exit


if __name__ == "__main__":
    app()
