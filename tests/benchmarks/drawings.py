"""The same recurrent network, drawn by minigrad and by others, side by side.

    python -m tests.benchmarks.drawings [--out docs/compared]
    python -m tests.benchmarks.drawings --check docs/compared     asks whether the pictures there are up to date

Every tool that is installed draws the lecture's network (2 inputs, 4 hidden units, 1 output, squared errors) along four
steps, and is asked for what its users complain of elsewhere: long sequences, diamonds, deep chains, an argument used
twice, the same text on every run. Each question goes to a process of its own, which is given a minute.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphviz
import numpy as np

from docs.stamps import digest, noted, stamp

N_IN, N_HIDDEN, STEPS, PATIENCE = 2, 4, (4, 100, 1000), 60.0
MODULES = {
    "minigrad, `rnn.draw`": "minigrad", "minigrad, `mg.draw`": "minigrad", "torchviz": "torchviz",
    "torchview": "torchview", "MyGrad": "mygrad", "Keras": "keras",
}  # fmt: skip
DISTRIBUTIONS = {"minigrad": "minigrad-rnn"}
Shown = Any
"""What a tool gives: something with the DOT text in ``source``."""


def weights() -> dict[str, Any]:
    """The parameters: the same for all."""
    rng = np.random.default_rng(0)
    shapes = {"W": (4, 4), "U": (4, 2), "V": (1, 4), "b": (4,), "c": (1,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def sequence(T: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(T, N_IN)), rng.normal(size=(T, 1))


def total(np_: Any, p: Any, xs: Any, targets: Any, h: Any) -> Any:
    """Σ C_t, written with a NumPy-like module."""
    cost: Any = 0.0
    for x, target in zip(xs, targets, strict=True):
        h = np_.tanh(p["W"] @ h + p["U"] @ x + p["b"])
        cost = cost + ((p["V"] @ h + p["c"] - target) ** 2).sum()
    return cost


# -- the tools: each draws the network, a chain, forty doublings, and x * x --------------------------------------------


class Minigrad:
    """`minigrad.draw`."""

    def __init__(self) -> None:
        import minigrad

        self.np, self.mg = np, minigrad

    def leaf(self, value: Any, name: str) -> Any:
        return self.mg.Tensor(value, requires_grad=True, name=name)

    def draw(self, y: Any, leaves: dict[str, Any]) -> Shown:
        return self.mg.draw(y)

    def network(self, T: int) -> Shown:
        model = self.mg.rnn.RNN(N_IN, N_HIDDEN, 1)
        model.load_state_dict(weights())
        return self.draw(self.mg.rnn.unroll(model, *sequence(T)).cost, {})

    def chain(self, length: int) -> Shown:
        x = y = self.leaf(0.5, "x")
        for _ in range(length):
            y = self.np.sin(y)
        return self.draw(y, {"x": x})

    def doublings(self, count: int) -> Shown:
        x = y = self.leaf(1.0, "x")
        for _ in range(count):
            y = y + y
        return self.draw(y, {"x": x})

    def square(self) -> Shown:
        x = self.leaf(2.0, "x")
        return self.draw(x * x, {"x": x})


class MinigradUnrolled(Minigrad):
    """`minigrad.rnn.draw`: the figure of the textbooks."""

    def network(self, T: int) -> Shown:
        model = self.mg.rnn.RNN(N_IN, N_HIDDEN, 1)
        model.load_state_dict(weights())
        return self.mg.rnn.draw(self.mg.rnn.unroll(model, *sequence(T)))


class Torchviz(Minigrad):
    """`torchviz.make_dot`, told the names of the parameters."""

    def __init__(self) -> None:
        import torch

        self.np = torch

    def leaf(self, value: Any, name: str) -> Any:
        return self.np.tensor(value, requires_grad=True, dtype=self.np.float64)

    def draw(self, y: Any, leaves: dict[str, Any]) -> Shown:
        from torchviz import make_dot

        return make_dot(y, params=leaves)

    def network(self, T: int) -> Shown:
        p = {name: self.leaf(value, name) for name, value in weights().items()}
        xs, targets = map(self.np.tensor, sequence(T))
        return self.draw(total(self.np, p, xs, targets, self.np.zeros(N_HIDDEN, dtype=self.np.float64)), p)


class Torchview(Torchviz):
    """`torchview.draw_graph`, which draws modules."""

    def drawn(self, function: Any, x: Any, **layers: Any) -> Shown:
        from torchview import draw_graph

        class Net(self.np.nn.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                return function(x, self)

        net = Net()
        for name, layer in layers.items():
            setattr(net, name, layer)
        return draw_graph(net, input_data=x, depth=10, device="cpu").visual_graph

    def network(self, T: int) -> Shown:
        layers = self.np.nn

        def unrolled(xs: Any, net: Any) -> Any:
            h, outputs = self.np.zeros(1, N_HIDDEN), []
            for t in range(T):
                h = net.cell(xs[t : t + 1], h)
                outputs.append(net.readout(h))
            return self.np.cat(outputs)

        xs = self.np.tensor(sequence(T)[0], dtype=self.np.float32)
        return self.drawn(unrolled, xs, cell=layers.RNNCell(N_IN, N_HIDDEN), readout=layers.Linear(N_HIDDEN, 1))

    def chain(self, length: int) -> Shown:
        def f(y: Any, _: Any) -> Any:
            for _ in range(length):
                y = self.np.sin(y)
            return y

        return self.drawn(f, self.np.tensor([0.5]))

    def doublings(self, count: int) -> Shown:
        def f(y: Any, _: Any) -> Any:
            for _ in range(count):
                y = y + y
            return y

        return self.drawn(f, self.np.tensor([1.0]))

    def square(self) -> Shown:
        return self.drawn(lambda x, _: x * x, self.np.tensor([2.0]))


class MyGrad(Minigrad):
    """`mygrad.computational_graph.build_graph`."""

    def __init__(self) -> None:
        import mygrad

        self.np = mygrad

    def leaf(self, value: Any, name: str) -> Any:
        return self.np.tensor(value)

    def draw(self, y: Any, leaves: dict[str, Any]) -> Shown:
        from mygrad.computational_graph import build_graph

        return build_graph(y, names=dict(leaves))

    def network(self, T: int) -> Shown:
        p = {name: self.leaf(value, name) for name, value in weights().items()}
        return self.draw(total(self.np, p, *sequence(T), np.zeros(N_HIDDEN)), p)


class Keras(Minigrad):
    """`keras.utils.model_to_dot` of a cell that is called at every step."""

    def __init__(self) -> None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        self.keras = keras

    def shown(self, x: Any, y: Any) -> Shown:
        dot = self.keras.utils.model_to_dot(self.keras.Model(x, y), show_shapes=True)
        return graphviz.Source(dot.to_string())

    def network(self, T: int) -> Shown:
        layers, ops = self.keras.layers, self.keras.ops
        xs = self.keras.Input((T, N_IN))
        cell, readout = layers.SimpleRNNCell(N_HIDDEN, name="cell"), layers.Dense(1, name="readout")
        h, outputs = ops.zeros_like(xs[:, 0, :1]) * np.zeros((1, N_HIDDEN), "float32"), []
        for t in range(T):
            h, _ = cell(xs[:, t], [h])
            outputs.append(readout(h))
        return self.shown(xs, outputs)

    def chain(self, length: int) -> Shown:
        x = y = self.keras.Input((1,))
        for _ in range(length):
            y = self.keras.ops.sin(y)
        return self.shown(x, y)

    def doublings(self, count: int) -> Shown:
        x = y = self.keras.Input((1,))
        for _ in range(count):
            y = y + y
        return self.shown(x, y)

    def square(self) -> Shown:
        x = self.keras.Input((1,))
        return self.shown(x, x * x)


TOOLS: dict[str, Callable[[], Any]] = dict(
    zip(MODULES, (MinigradUnrolled, Minigrad, Torchviz, Torchview, MyGrad, Keras), strict=True)
)

# -- the questions ----------------------------------------------------------------------------------------------------


def edges(source: str) -> int:
    return len(re.findall(r"->", source))


def answer(tool: str, question: str, out: str) -> dict[str, Any]:
    """In a process of its own: draw, and tell how long it took and what is in the DOT text."""
    maker = TOOLS[tool]()
    start = time.perf_counter()
    kind, _, number = question.partition(" ")
    picture = getattr(maker, kind)(*([int(number)] if number else []))
    text = picture.source
    seconds = time.perf_counter() - start
    if out and tool.startswith("minigrad"):
        picture.render(out)
        stamp(Path(out), digest(text))
    elif out:
        Path(out).write_bytes(graphviz.Source(text).pipe("svg"))
        stamp(Path(out), version(MODULES[tool]))
    labels = " ".join(re.findall(r'label="?([^"\]]*)', text))
    names = sum(bool(re.search(rf"\b{name}(?![a-zA-Z])", labels)) for name in weights())
    return {"seconds": seconds, "edges": edges(text), "names": names, "text": digest(text)}


def version(module: str) -> str:
    """A tool and its version, as the page tells it."""
    return f"{module} {importlib.metadata.version(DISTRIBUTIONS.get(module, module))}"


def file_of(tool: str, folder: Path) -> Path:
    return folder / f"{re.sub('[^a-z]+', '-', tool.lower()).strip('-')}.svg"


def outdated(folder: Path, page: str) -> list[str]:
    """Pictures that minigrad would draw otherwise today, and those of others whose version the page does not name."""
    wrong = []
    for tool in MODULES:
        file = file_of(tool, folder)
        made_from = noted(file) if file.exists() else ""
        if tool.startswith("minigrad"):
            right = made_from == digest(TOOLS[tool]().network(STEPS[0]).source)
        else:
            right = made_from.startswith(f"{MODULES[tool]} ") and bool(re.search(rf"\b{re.escape(made_from)}\b", page))
        wrong += [] if right else [file.name]
    return wrong


def ask(tool: str, question: str, out: str = "") -> dict[str, Any]:
    """The answer, or how there was none."""
    if TOOLS[tool] is MinigradUnrolled and not question.startswith("network"):
        return {"none": ""}  # it draws networks
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.drawings", "--ask", tool, question, out]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return {"none": f"> {PATIENCE:.0f} s"}
    if done.returncode:
        error = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return {"none": error.split(":")[0].rpartition(".")[2]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def seconds(found: dict[str, Any]) -> str:
    return found["none"] if "none" in found else f"{found['seconds']:.2g} s"


def row(tool: str, out: Path | None) -> list[str]:
    """All answers of one tool."""
    file = "" if out is None else str(file_of(tool, out))
    first, again = ask(tool, f"network {STEPS[0]}", file), ask(tool, f"network {STEPS[0]}")
    if "none" in first:
        return [tool, first["none"], *[""] * 8]
    square = ask(tool, "square")
    return [
        tool,
        str(first["edges"]),
        f"{first['names']} of 5",
        "yes" if first["text"] == again.get("text") else "no",
        seconds(first),
        *(seconds(ask(tool, f"network {T}")) for T in STEPS[1:]),
        seconds(ask(tool, "doublings 40")),
        seconds(ask(tool, "chain 10000")),
        str(square.get("edges", square.get("none"))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write each tool's picture of four steps to this folder")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="fail if a picture there is not up to date")
    parser.add_argument("--ask", nargs=3, metavar=("TOOL", "QUESTION", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        print(json.dumps(answer(*given.ask)))
        return
    if given.check:
        page = (given.check.parent / "drawing-compared.md").read_text(encoding="utf-8")
        if wrong := outdated(given.check, page):
            raise SystemExit(f"not up to date: {', '.join(wrong)}; run python -m tests.benchmarks.drawings --out ...")
        return
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
    tools = [tool for tool, module in MODULES.items() if importlib.util.find_spec(module)]
    for tool in MODULES.keys() - set(tools):
        print(f"{tool} is not installed and left out", file=sys.stderr)
    modules = dict.fromkeys(MODULES[tool] for tool in tools)
    print(", ".join(map(version, modules)) + ":\n")
    head = ["edges, 4 steps", "parameters named", "same text again", *(f"{T} steps" for T in STEPS)]
    head += ["40 doublings", "chain of 10⁴", "edges of x · x"]
    print(f"| | {' | '.join(head)} |\n| --- {'| ---: ' * len(head)}|")
    for tool in tools:
        print(f"| {' | '.join(row(tool, given.out))} |", flush=True)


if __name__ == "__main__":
    main()
