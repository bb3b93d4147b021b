"""Other frameworks through the checker: what is theirs is asked of each that is installed, the rest of a stand-in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from minigrad.testing import adapters, check_adjoint, check_vjp

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours to mend


class Framework(NamedTuple):
    """How one says the same in each."""

    adapt: Callable[..., Any]
    numpy: Any
    array: Callable[..., Any]


def framework(name: str) -> Framework:
    if name == "stand-in":
        return Framework(lambda f: StandIn(f, "math"), np, np.asarray)
    library = pytest.importorskip(name)
    if name == "torch":
        return Framework(adapters.torch, library, library.as_tensor)
    if name == "mygrad":
        return Framework(adapters.mygrad, library, library.tensor)
    module = pytest.importorskip(f"{name}.numpy")
    return Framework(getattr(adapters, name), module, module.array)


class StandIn(adapters.Adapted):
    """A framework of NumPy functions that knows one: x, y → sin(x) y, sum of that."""

    def _tensor(self, x: Any) -> Any:
        return x

    def _pull(self, flat: Any, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        (x, y), (w, u) = xs, ws
        return [(w + u) * np.cos(x) * y, (w + u) * np.sin(x)]

    def _push(self, flat: Any, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        dz = np.cos(xs[0]) * xs[1] * vs[0] + np.sin(xs[0]) * vs[1]
        return [dz, dz.sum()]

    def _pull_again(self, flat: Any, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        (x, y), (a, b), w = xs, us, sum(ws)
        of_w = a * np.cos(x) * y + b * np.sin(x)
        return [of_w, of_w.sum()], [w * (b * np.cos(x) - a * np.sin(x) * y), w * a * np.cos(x)]


ALL = ["autograd", "jax", "mygrad", "torch"]
TWICE = ["autograd", "jax", "torch"]  # with second derivatives, and forward mode
X = np.array([[0.5, -1.25], [2.0, 0.75]])


# -- containers, integers, modes --------------------------------------------------------------------------------------


def of_everything(xp: Any) -> Callable[..., Any]:
    """A dict of arguments with an integer among them, and a dict of results with positions among them."""

    def f(p: Any, n: int, unused: Any) -> Any:
        z = xp.sin(p["x"]) * p["y"][0]
        return {"z": z, "positions": np.argsort(np.zeros(3)), "sum": [(z * 1.0).sum(), n], "n": n}

    return f


EVERYTHING = ({"x": X, "y": (np.array(1.5), 3)}, 2, np.ones(3))


@pytest.mark.parametrize("name", ALL)
def test_containers_and_integers_and_what_is_not_used(name: str) -> None:
    theirs = framework(name)
    adapted = theirs.adapt(of_everything(theirs.numpy))
    value = adapted.forward(*EVERYTHING)
    assert value.keys() == {"z", "sum"}
    assert [type(value["z"]), type(value["sum"]), len(value["sum"])] == [np.ndarray, list, 1]
    g, of_integer, of_unused = adapted.vjp(value, *EVERYTHING)
    assert (of_integer, g["y"][1]) == (None, None)
    np.testing.assert_array_equal(of_unused, np.zeros(3))
    np.testing.assert_allclose(g["x"], (value["z"] + value["sum"][0]) * np.cos(X) * 1.5)
    args = ({"x": X, "y": (np.array(1.5),)}, np.array(2), np.ones(3))
    assert check_vjp(*theirs.adapt(of_everything(theirs.numpy)), args)


@pytest.mark.parametrize("name", ["stand-in", *TWICE])
def test_every_mode_is_right(name: str) -> None:
    theirs = framework(name)

    def f(x: Any, y: Any) -> Any:
        z = theirs.numpy.sin(x) * y
        return z, z.sum()

    adapted, args = theirs.adapt(f), (X, np.array([[0.5, 1.5], [2.5, -1.0]]))
    assert check_vjp(*adapted, args)
    assert check_adjoint(adapted.jvp, adapted.vjp, args)
    assert check_vjp(*adapted, args, order=2, second=adapted.second)


@pytest.mark.parametrize("name", TWICE)
def test_of_containers_too(name: str) -> None:
    theirs = framework(name)
    adapted, args = theirs.adapt(of_everything(theirs.numpy)), ({"x": X, "y": [np.array(1.5)]}, 2, np.ones(2))
    tangents = ({"x": np.ones((2, 2)), "y": [np.array(0.0)]}, 0, np.ones(2))
    np.testing.assert_allclose(adapted.jvp(tangents, *args)["z"], np.cos(X) * 1.5)
    w = adapted.forward(*args)
    of_w, of_p, of_n, of_unused = adapted.second(adapted.vjp(w, *args), w, *args)
    assert (of_w.keys(), of_p["x"].shape, of_n, of_unused.tolist()) == (w.keys(), (2, 2), None, [0.0, 0.0])


def test_mygrad_says_what_it_has_not() -> None:
    adapted = framework("mygrad").adapt(abs)
    with pytest.raises(NotImplementedError, match="MyGrad has no forward mode"):
        _ = adapted.jvp
    with pytest.raises(NotImplementedError, match="MyGrad has no derivatives of derivatives: check order 1"):
        _ = adapted.second


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "x", [np.array(0.5), 0.5, np.float64(0.5), X[::-1], X.T, X[:, 0], np.broadcast_to(X[0], (2, 2))]
)
def test_numbers_and_views_and_what_cannot_be_written_to(name: str, x: Any) -> None:
    theirs = framework(name)
    before = np.array(x)
    forward, vjp = theirs.adapt(lambda x: theirs.numpy.exp(x) * x)
    (y, g) = forward(x), vjp(np.ones(np.shape(x)), x)
    np.testing.assert_allclose(g, np.exp(before) * (1 + before))
    assert [(a.shape, a.dtype, a.flags.writeable, type(a)) for a in (y, g)] == 2 * [
        (np.shape(x), np.float64, True, np.ndarray)
    ]
    assert not np.shares_memory(g, x)
    np.testing.assert_array_equal(x, before)
    assert check_vjp(forward, vjp, (x,))


@pytest.mark.parametrize("name", ALL)
def test_single_precision_stays_and_cotangents_follow(name: str) -> None:
    theirs = framework(name)
    adapted = theirs.adapt(lambda x: theirs.numpy.exp(x))
    x = np.float32([0.5, 1.0])
    assert adapted.forward(x).dtype == adapted.vjp(np.ones(2), x).dtype == np.float32
    if name in TWICE:
        assert adapted.jvp((np.ones(2),), x).dtype == np.float32
        assert [g.dtype for g in adapted.second(np.ones(2), np.ones(2), x)] == [np.float32, np.float32]


@pytest.mark.parametrize("name", ALL)
def test_a_result_that_needs_no_gradient_gives_zeros(name: str) -> None:
    theirs = framework(name)
    adapted = theirs.adapt(lambda x: theirs.array(np.array([1.0, 2.0])))
    assert adapted.vjp(np.ones(2), np.ones(3)).tolist() == [0.0, 0.0, 0.0]
    if name in TWICE:
        assert adapted.jvp((np.ones(3),), np.ones(3)).tolist() == [0.0, 0.0]
        assert [g.tolist() for g in adapted.second(np.ones(3), np.ones(2), np.ones(3))] == [[0.0, 0.0], [0.0] * 3]


@pytest.mark.parametrize("name", ALL)
def test_arrays_of_integers_are_positions(name: str) -> None:
    theirs = framework(name)
    assert check_vjp(*theirs.adapt(lambda x, i: x[i] * x[0]), (X, np.array([1, 1, 0])))


# -- each one's own ---------------------------------------------------------------------------------------------------


def test_results_of_several_arrays_of_theirs() -> None:
    """autograd has tuples of its own, PyTorch named ones with integers in them."""
    anp = framework("autograd").numpy
    assert check_vjp(*adapters.autograd(lambda x: anp.linalg.slogdet(x)), (X,))


def test_pytorch_results_with_names() -> None:
    torch = framework("torch").numpy
    adapted = adapters.torch(lambda x: torch.sort(x, dim=-1))
    assert [part.tolist() for part in adapted.forward(X)] == [np.sort(X).tolist()]
    assert check_vjp(*adapted, (X,))


def test_what_pytorch_cannot_differentiate_is_not_wrong() -> None:
    torch = framework("torch").numpy
    with pytest.raises(NotImplementedError, match="not implemented"):
        adapters.torch(torch.special.zeta).vjp(np.ones(2), 2 * np.ones(2), np.ones(2))


def test_jax_keeps_its_own_setting() -> None:
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    for setting in (False, True):
        jax.config.update("jax_enable_x64", setting)
        try:
            assert adapters.jax(jax.numpy.sin).forward(X).dtype == np.float64
            assert jax.config.jax_enable_x64 == setting
        finally:
            jax.config.update("jax_enable_x64", before)


def test_what_jax_cannot_differentiate_is_not_wrong() -> None:
    jax = pytest.importorskip("jax")
    loop = adapters.jax(lambda x: jax.lax.while_loop(lambda y: y < 9.0, lambda y: y * 2, x))
    with pytest.raises(NotImplementedError, match="Reverse-mode differentiation does not work"):
        loop.vjp(1.0, 1.5)


def test_other_errors_are_their_own() -> None:
    torch = framework("torch").numpy
    with pytest.raises(RuntimeError, match="must match the size"):
        adapters.torch(torch.add).vjp(np.ones(2), np.ones(2), np.ones(3))


# -- nothing is imported before it is asked for -----------------------------------------------------------------------


def test_importing_needs_none_and_a_missing_one_is_named() -> None:
    code = f"""
import sys
for name in {ALL}:
    sys.modules[name] = None  # as if it were not installed
import minigrad as mg
for name in {ALL}:
    try:
        getattr(mg.testing.adapters, name)(abs)
    except ModuleNotFoundError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"minigrad.testing.adapters.{name} needs {name}: run pip install {name}" for name in ALL
    ]


def test_a_missing_part_of_an_installed_one_is_not_hidden(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mygrad.py").write_text("import no_such_thing\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mygrad", raising=False)
    with pytest.raises(ModuleNotFoundError, match="'no_such_thing'"):
        adapters.mygrad(abs)
