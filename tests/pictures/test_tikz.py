"""Pictures as LaTeX: names as mathematics, words that no sign breaks, and documents that compile."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.pictures.dot import Digraph
from minigrad.pictures.operations import draw
from minigrad.pictures.tikz import tex

LATEX = shutil.which("pdflatex")
WRITTEN = {
    "h₁₂": "$h_{12}$", "ỹ₃": r"$\tilde{y}_{3}$", "W⁽²⁾": "$W^{(2)}$", "Wᵀ": r"$W^{\top}$", "hₜ": "$h_{t}$",
    "Σ C": r"$\Sigma $ $C$", "α₀": r"$\alpha _{0}$", "→h₁": r"$\to h_{1}$", "W_hh": r"W\_hh", "tanh": "tanh",
    "gate₂": r"$\mathrm{gate}_{2}$", "× 2": r"$\times$ 2", "50 % & {x}": r"50 \% \& \{x\}", "U, b": "$U$, $b$",
    "log scale": "log scale", "a\\b": r"a\textbackslash{}b", "日": "$\\mbox{[65E5]}$",
}  # fmt: skip


@pytest.mark.parametrize("words", WRITTEN)
def test_names_are_mathematics(words):
    assert tex(words) == WRITTEN[words]


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_sign_breaks_a_document(words):
    found = tex(words)
    bare = re.sub(r"\\[\\#$%&_{}|]", "", found)  # without what is escaped
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    assert not re.search(r"[#%&]", bare)
    assert all("^" not in piece and "_" not in piece for piece in bare.split("$")[::2])


def example():
    x = Tensor([1.0, -2.0, 3.0], requires_grad=True, name="x_1")
    return draw(np.sum(np.tanh(x * x)), direction="TB")


def test_a_picture_is_a_document(real, tmp_path):
    text = example().render(tmp_path / "a.tex").read_text(encoding="utf-8")
    assert text.startswith("\\RequirePackage") and text.rstrip().endswith("\\end{document}")
    defined = re.findall(r"\\definecolor\{(g\d+)\}", text)
    assert len(set(defined)) == len(defined)
    used = set(re.findall(r"\bg\d+\b", text.partition("\\begin{document}")[2]))
    assert used == set(defined)
    assert "{$x_{1}$ \\\\ 3}" in text and "tanh" in text
    assert len(re.findall(r"\\node\[.*\((n\d+)\) at", text)) == 4


def test_straight_arrows_lead_from_node_to_node(real, tmp_path):
    graph = Digraph(body=['\ta [label="h₁"]\n', "\ta -> b\n"], graph_attr={"margin": "0"})
    text = graph.render(tmp_path / "a.tex").read_text(encoding="utf-8")
    assert re.search(r"\\draw\[-\{Triangle.*\] \(a\) -- \(b\);", text)
    assert "{$h_{1}$}" in text


def test_it_is_as_wide_as_asked(real, tmp_path):
    text = draw(np.sum(Tensor([1.0], requires_grad=True) ** 2)).render(tmp_path / "a.tex", width="3.4in").read_text()
    left, _, right, _ = map(float, re.search(r"bounding\w+ \((\S+),(\S+)\) rectangle \((\S+),(\S+)\)", text).groups())
    assert right - left == pytest.approx(3.4 * 72, abs=0.02)
    assert min(float(size) for size in re.findall(r"fontsize\{([\d.]+)bp\}", text)) >= 7


def test_colours_in_one_line_share_it(real, tmp_path):
    graph = Digraph(body=['\ta -> b [color="#ff0000;0.25:#00ff00;0.25:#0000ff"]\n', "\ta [style=wedged]\n"])
    graph.node("p", style="wedged", shape="circle", fillcolor="#ff0000;0.5:#00ff00")
    graph.node("s", style="striped", shape="box", fillcolor="#ff0000:#00ff00")
    text = graph.render(tmp_path / "a.tex").read_text(encoding="utf-8")
    assert len(re.findall(r"\\draw\[.*g\d", text)) == 3 and text.count("Triangle[") == 1
    assert re.findall(r"arc \(([\d.]+):([\d.]+):", text) == [("0.0", "180.0"), ("180.0", "360.0")]
    widths = [float(b) - float(a) for a, b in re.findall(r"\\fill\S* \((\S+),\S+\) rectangle \((\S+),\S+\)", text)]
    assert widths[0] == pytest.approx(widths[1], abs=0.11)


def test_its_font_is_the_documents(tmp_path):
    with pytest.raises(ValueError, match=r"font='Arial' told of a \.tex file, whose document chooses it: leave it"):
        example().render(tmp_path / "a.tex", font="Arial")


@pytest.mark.skipif(LATEX is None, reason="no LaTeX is installed: there is no pdflatex on the PATH")
def test_documents_compile(tmp_path):
    if subprocess.run(["kpsewhich", "standalone.cls", "tikz.sty"], capture_output=True).stdout.count(b"\n") < 2:
        pytest.skip("this LaTeX has no TikZ, or no class standalone")
    graph = example()
    for k, words in enumerate([*WRITTEN, "Ä€\\", '"<>"|~^', "ẞ ß", "\u0303", "₁", "ᵀ"]):
        graph.node(f"extra{k}", words.replace("\\", "\\\\"))
    path = graph.render(tmp_path / "a.tex")
    command = [LATEX, "-interaction=nonstopmode", "-halt-on-error", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
