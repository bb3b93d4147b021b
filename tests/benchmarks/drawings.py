"""The same recurrent network, drawn by minigrad and by others, side by side.

    python -m tests.benchmarks.drawings [--out docs/compared]

Every tool that is installed draws the lecture's network (2 inputs, 4 hidden units, 1 output, squared errors) along four
steps, an LSTM, and a loop written by hand, and is asked for what its users complain of elsewhere: long sequences,
diamonds, deep chains, an argument used twice, the same text on every run. Each question goes to a process of its own,
which is given a minute. What the others drew is recorded with ``--out``, as DOT text, of which the site makes pictures.
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
from contextlib import redirect_stdout
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import graphviz
import numpy as np

N_IN, N_HIDDEN, STEPS, PATIENCE = 2, 4, (4, 100, 1000), 60.0
MODULES = {
    "minigrad, `rnn.draw`": "minigrad", "minigrad, `mg.draw`": "minigrad", "torchviz": "torchviz",
    "torchview": "torchview", "TorchLens, unrolled": "torchlens", "TorchLens, rolled": "torchlens",
    "torchvista": "torchvista", "MyGrad": "mygrad", "Keras": "keras",
}  # fmt: skip
DISTRIBUTIONS = {"minigrad": "minigrad-rnn"}
NETWORKS = {"RNN": "network", "LSTM": "lstm", "loop by hand": "loop"}
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

    names: tuple[str, ...] = ("W", "U", "V", "b", "c")  # of the parameters, as the tool's own network calls them

    def __init__(self) -> None:
        import minigrad

        self.np, self.mg = np, minigrad
        assert minigrad.draw and minigrad.rnn.draw  # are imported when they are first asked for

    def leaf(self, value: Any, name: str) -> Any:
        return self.mg.Tensor(value, requires_grad=True, name=name)

    def draw(self, y: Any, leaves: dict[str, Any]) -> Shown:
        return self.mg.draw(y)

    def network(self, T: int) -> Shown:
        model = self.mg.rnn.RNN(N_IN, N_HIDDEN, 1)
        model.load_state_dict(weights())
        return self.draw(self.mg.rnn.unroll(model, *sequence(T)).cost, {})

    def lstm(self, T: int) -> Shown:
        return self.draw(self.mg.rnn.unroll(self.mg.rnn.LSTM(N_IN, N_HIDDEN, 1, rng=0), *sequence(T)).cost, {})

    def loop(self, T: int) -> Shown:
        p = {name: self.leaf(value, name) for name, value in weights().items()}
        return self.draw(total(self.np, p, *sequence(T), np.zeros(N_HIDDEN)), p)

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
    """`minigrad.rnn.draw`: the figure of the textbooks; of a loop what `minigrad.rnn.run_of` reads back."""

    def draw(self, y: Any, leaves: dict[str, Any]) -> Shown:
        return self.mg.rnn.draw(self.mg.rnn.run_of(y))

    def network(self, T: int) -> Shown:
        model = self.mg.rnn.RNN(N_IN, N_HIDDEN, 1)
        model.load_state_dict(weights())
        return self.mg.rnn.draw(self.mg.rnn.unroll(model, *sequence(T)))

    def lstm(self, T: int) -> Shown:
        return self.mg.rnn.draw(self.mg.rnn.unroll(self.mg.rnn.LSTM(N_IN, N_HIDDEN, 1, rng=0), *sequence(T)))


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

    loop = network

    def lstm(self, T: int) -> Shown:
        net = self.np.nn.ModuleDict(
            {"cell": self.np.nn.LSTMCell(N_IN, N_HIDDEN), "readout": self.np.nn.Linear(N_HIDDEN, 1)}
        )
        self.names = tuple(name for name, _ in net.named_parameters())
        xs, targets = (self.np.tensor(each, dtype=self.np.float32) for each in sequence(T))
        state, cost = None, 0.0
        for x, target in zip(xs, targets, strict=True):
            state = net["cell"](x, state)
            cost = cost + ((net["readout"](state[0]) - target) ** 2).sum()
        return self.draw(cost, dict(net.named_parameters()))


class Torchview(Torchviz):
    """`torchview.draw_graph`, which draws modules."""

    def drawn(self, function: Any, x: Any, **layers: Any) -> Shown:
        class Net(self.np.nn.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                return function(x, self)

        net = Net()
        for name, layer in layers.items():
            setattr(net, name, layer)
        self.names = tuple(dict.fromkeys(name.rpartition(".")[2] for name, _ in net.named_parameters()))
        return self.picture(net.eval(), x)

    def picture(self, net: Any, x: Any) -> Shown:
        from torchview import draw_graph

        return draw_graph(net, input_data=x, depth=10, device="cpu").visual_graph

    def recurrent(self, cell: Any, T: int) -> Shown:
        def unrolled(xs: Any, net: Any) -> Any:
            state, outputs = None, []
            for t in range(T):
                state = net.cell(xs[t : t + 1], state)
                outputs.append(net.readout(state[0] if isinstance(state, tuple) else state))
            return self.np.cat(outputs)

        xs = self.np.tensor(sequence(T)[0], dtype=self.np.float32)
        return self.drawn(unrolled, xs, cell=cell, readout=self.np.nn.Linear(N_HIDDEN, 1))

    def network(self, T: int) -> Shown:
        return self.recurrent(self.np.nn.RNNCell(N_IN, N_HIDDEN), T)

    def lstm(self, T: int) -> Shown:
        return self.recurrent(self.np.nn.LSTMCell(N_IN, N_HIDDEN), T)

    def loop(self, T: int) -> Shown:
        p = {name: self.np.nn.Parameter(self.np.tensor(value)) for name, value in weights().items()}
        xs, targets = map(self.np.tensor, sequence(T))

        def loop(xs: Any, net: Any) -> Any:
            first = self.np.zeros(N_HIDDEN, dtype=self.np.float64)
            return total(self.np, {name: getattr(net, name) for name in p}, xs, targets, first)

        return self.drawn(loop, xs, **p)

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


class TorchLens(Torchview):
    """`torchlens.trace(...).draw`: every pass of a layer a node of its own, or one node for all of them."""

    view = "unrolled"

    def __init__(self) -> None:
        import torchlens

        super().__init__()
        self.lens = torchlens

    def picture(self, net: Any, x: Any) -> Shown:
        with TemporaryDirectory() as folder:
            options = {"return_graph": True, "vis_save_only": True, "vis_fileformat": "svg"}
            traced = self.lens.trace(net, x)
            return traced.draw(vis_mode=self.view, vis_outpath=str(Path(folder, "graph")), **options)


class TorchLensRolled(TorchLens):
    """The same, rolled up."""

    view = "rolled"


class Torchvista(Torchview):
    """`torchvista.trace_model`: a page whose script lays its graph out with a Graphviz of its own."""

    def __init__(self) -> None:
        import torchvista

        super().__init__()
        self.vista = torchvista

    def picture(self, net: Any, x: Any) -> Shown:
        with TemporaryDirectory() as folder:
            file = Path(folder, "graph.html")
            with redirect_stdout(None):
                self.vista.trace_model(net, (x,), export_path=str(file), collapse_modules_after_depth=10)
            return Page(file.read_text(encoding="utf-8"))


class Page:
    """A page with a graph in its script, which a browser draws."""

    def __init__(self, html: str) -> None:
        self.html = html
        (found,) = re.findall(r"const adj_list = (.*);$", html, re.MULTILINE)
        self.graph = json.loads(found)
        lines = [f'"{node}" -> "{edge["target"]}"' for node, about in self.graph.items() for edge in about["edges"]]
        self.source = "\n".join([*(f'label="{node}"' for node in self.graph), *lines])

    def svg(self) -> str:
        """As it stands in the page after all scripts have run."""
        from tests.browser import dom

        with TemporaryDirectory() as folder:
            file = Path(folder, "graph.html")
            file.write_text(self.html, encoding="utf-8")
            shown = dom(file, Path(folder, "profile"), width=1000, seconds=10)
        drawn = re.sub(r"<script.*?</script>", "", shown, flags=re.DOTALL)
        inside = re.search(r"<svg width[^>]*>(.*?)</svg>", drawn, re.DOTALL)
        assert inside, "the browser has drawn nothing"
        styles = [style for style in re.findall(r"<style[^>]*>.*?</style>", drawn, re.DOTALL) if ".edge" in style]
        size = 'viewBox="0 0 984 800" width="984" style="background: #f3f3eb"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(styles)}{inside[1]}</svg>'


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

    loop = network

    def lstm(self, T: int) -> Shown:
        rng, mg = np.random.default_rng(0), self.np
        shapes = {
            "W": (4, N_HIDDEN, N_HIDDEN),
            "U": (4, N_HIDDEN, N_IN),
            "b": (4, N_HIDDEN),
            "V": (1, N_HIDDEN),
            "c": (1,),
        }
        p = {name: self.leaf(rng.normal(size=shape), name) for name, shape in shapes.items()}
        h, cell, cost = np.zeros(N_HIDDEN), np.zeros(N_HIDDEN), 0.0
        for x, target in zip(*sequence(T), strict=True):
            z = [p["W"][k] @ h + p["U"][k] @ x + p["b"][k] for k in range(4)]
            i, f, o = (1 / (1 + mg.exp(-each)) for each in z[:3])
            cell = f * cell + i * mg.tanh(z[3])
            h = o * mg.tanh(cell)
            cost = cost + ((p["V"] @ h + p["c"] - target) ** 2).sum()
        return self.draw(cost, p)


class Keras(Minigrad):
    """`keras.utils.model_to_dot` of a cell that is called at every step."""

    def __init__(self) -> None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        self.keras = keras

    def shown(self, x: Any, y: Any) -> Shown:
        dot = self.keras.utils.model_to_dot(self.keras.Model(x, y), show_shapes=True)
        return graphviz.Source(dot.to_string())

    def recurrent(self, cell: Any, states: int, T: int) -> Shown:
        layers, ops = self.keras.layers, self.keras.ops
        xs, readout = self.keras.Input((T, N_IN)), layers.Dense(1, name="readout")
        state, outputs = [ops.zeros_like(xs[:, 0, :1]) * np.zeros((1, N_HIDDEN), "float32")] * states, []
        for t in range(T):
            h, state = cell(xs[:, t], state)
            outputs.append(readout(h))
        self.names = ("kernel", "recurrent_kernel", "bias")
        return self.shown(xs, outputs)

    def network(self, T: int) -> Shown:
        return self.recurrent(self.keras.layers.SimpleRNNCell(N_HIDDEN, name="cell"), 1, T)

    def lstm(self, T: int) -> Shown:
        return self.recurrent(self.keras.layers.LSTMCell(N_HIDDEN, name="cell"), 2, T)

    def loop(self, T: int) -> Shown:
        ops = self.keras.ops
        p = {name: value.astype("float32") for name, value in weights().items()}
        xs, h, outputs = self.keras.Input((T, N_IN)), np.zeros((1, N_HIDDEN), "float32"), []
        for t in range(T):
            h = ops.tanh(ops.matmul(h, p["W"].T) + ops.matmul(xs[:, t], p["U"].T) + p["b"])
            outputs.append(ops.matmul(h, p["V"].T) + p["c"])
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
    zip(
        MODULES,
        (MinigradUnrolled, Minigrad, Torchviz, Torchview, TorchLens, TorchLensRolled, Torchvista, MyGrad, Keras),
        strict=True,
    )
)

# -- the questions ----------------------------------------------------------------------------------------------------


def edges(source: str) -> int:
    """How many there are to be seen."""
    return len(re.findall(r'->(?!.*style="?invis)', source))


def answer(tool: str, question: str, out: str) -> dict[str, Any]:
    """In a process of its own: draw, and tell how long it took and what is in the DOT text."""
    maker = TOOLS[tool]()
    start = time.process_time()
    kind, _, number = question.partition(" ")
    picture = getattr(maker, kind)(*([int(number)] if number else []))
    text = picture.source
    seconds = time.process_time() - start
    if out:
        recorded = picture.svg() if hasattr(picture, "svg") else text
        note = "<!-- {} -->" if hasattr(picture, "svg") else "// {}"
        Path(out).write_text(f"{note.format(version(MODULES[tool]))}\n{recorded}", encoding="utf-8")
    labels = re.sub("<[^<>]*>", " ", " ".join(re.findall(r'label=("(?:[^"\\]|\\.)*"|<<.*?>>|\w+)', text, re.DOTALL)))
    names = sum(bool(re.search(rf"\b{re.escape(name)}(?![a-zA-Z])", labels)) for name in maker.names)
    return {
        "seconds": seconds,
        "edges": edges(text),
        "names": [names, len(maker.names)],
        "text": sha256(text.encode()).hexdigest(),
    }


def version(module: str) -> str:
    """A tool and its version, as the page tells it."""
    return f"{module} {importlib.metadata.version(DISTRIBUTIONS.get(module, module))}"


def record_of(tool: str, folder: Path) -> Path | None:
    """Where it stands what another tool drew: its DOT text, or, where a browser laid it out, what that showed."""
    if tool.startswith("minigrad"):
        return None  # which the page itself draws
    suffix = "svg" if tool == "torchvista" else "dot"
    return folder / f"{re.sub('[^a-z]+', '-', tool.lower()).strip('-')}.{suffix}"


def drawn_by(record: Path) -> str:
    """The tool and its version, from the record's first line."""
    return record.read_text(encoding="utf-8").partition("\n")[0].strip("/<!-> ")


def ask(tool: str, question: str, out: str = "") -> dict[str, Any]:
    """The answer, or how there was none."""
    if TOOLS[tool] is MinigradUnrolled and question.split()[0] not in NETWORKS.values():
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


def named(found: dict[str, Any]) -> str:
    return " of ".join(map(str, found["names"]))


def networks(tool: str) -> list[str]:
    """Of each network how many edges its picture has, and how many of the parameters it names."""
    answers = [ask(tool, f"{question} {STEPS[0]}") for question in NETWORKS.values()]
    return [
        tool,
        *(each.get("none", f"{each.get('edges')} edges, {named(each)}" if "names" in each else "") for each in answers),
    ]


def row(tool: str, out: Path | None) -> list[str]:
    """All answers of one tool."""
    file = "" if out is None else str(record_of(tool, out) or "")
    first, again = ask(tool, f"network {STEPS[0]}", file), ask(tool, f"network {STEPS[0]}")
    if "none" in first:
        return [tool, first["none"], *[""] * 8]
    square = ask(tool, "square")
    return [
        tool,
        str(first["edges"]),
        named(first),
        "yes" if first["text"] == again.get("text") else "no",
        seconds(first),
        *(seconds(ask(tool, f"network {T}")) for T in STEPS[1:]),
        seconds(ask(tool, "doublings 40")),
        seconds(ask(tool, "chain 10000")),
        str(square.get("edges", square.get("none"))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="record each other tool's picture of four steps in this folder")
    parser.add_argument("--ask", nargs=3, metavar=("TOOL", "QUESTION", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        print(json.dumps(answer(*given.ask)))
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
    print(f"\n| | {' | '.join(NETWORKS)} |\n| --- {'| --- ' * len(NETWORKS)}|")
    for tool in tools:
        print(f"| {' | '.join(networks(tool))} |", flush=True)


if __name__ == "__main__":
    main()
