"""Module: parameters have names, in order; a state goes out and comes back whole or not at all."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from minigrad import Module, Tensor


class Layer(Module):
    def __init__(self, n, dtype=np.float64):
        self.W = Tensor(np.arange(n * n).reshape(n, n), requires_grad=True, dtype=dtype)
        self.scale = 2.0
        self.fixed = Tensor(np.ones(n))
        self.b = Tensor(np.zeros(n), requires_grad=True, dtype=dtype)


class Net(Module):
    def __init__(self, n=2, dtype=np.float64):
        self.first = Layer(n, dtype)
        self.gain = Tensor(0.5, requires_grad=True, dtype=dtype)
        self.second = Layer(n, dtype)

    def __call__(self, x):
        h = np.tanh(self.first.W @ x + self.first.b)
        return self.gain * np.sum(self.second.W @ h + self.second.b)


NAMES = ["first.W", "first.b", "gain", "second.W", "second.b"]


def test_parameters_come_by_name_in_the_order_in_which_they_were_set():
    net = Net()
    parameters = net.parameters()
    assert list(parameters) == NAMES
    assert parameters["first.W"] is net.first.W
    assert list(Module().parameters()) == []


def test_a_parameter_that_is_replaced_is_found_and_a_deep_one_too():
    net = Net()
    net.gain = Tensor(1.0, requires_grad=True)
    assert net.parameters()["gain"] is net.gain
    outer = Module()
    outer.inner = Module()
    outer.inner.net = net
    assert list(outer.parameters()) == [f"inner.net.{name}" for name in NAMES]


def test_a_parameter_with_two_names_is_one_tensor():
    net = Net()
    net.second.W = net.first.W
    parameters = net.parameters()
    assert parameters["second.W"] is parameters["first.W"]
    net.load_state_dict(net.state_dict())


class Slotted:
    __slots__ = ("W",)


@pytest.mark.parametrize(
    "written",
    [
        lambda: type("Cell", (Module,), {"__slots__": ("W", "h")}),
        lambda: type("Cell", (Module,), {"__slots__": "W"}),
        lambda: type("Cell", (Layer,), {"__slots__": iter(["W"])}),
        lambda: type("Cell", (Module, Slotted), {}),
        lambda: dataclass(slots=True)(type("Cell", (Module,), {"__annotations__": {"W": Tensor}})),
    ],
)
def test_a_parameter_in_a_slot_would_never_be_found(written):
    with pytest.raises(TypeError, match=r"Cell has slots for W.*: leave __slots__ out"):
        written()


def test_slots_for_nothing_are_none():
    cell = type("Cell", (Module,), {"__slots__": ()})()
    cell.W = Tensor(1.0, requires_grad=True)
    assert list(cell.parameters()) == ["W"]


def test_zero_grad_forgets():
    net = Net()
    net(np.ones(2)).backward()
    assert all(p.grad is not None for p in net.parameters().values())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters().values())


def test_a_state_is_a_snapshot():
    net = Net()
    before = net(np.ones(2)).item()
    state = net.state_dict()
    assert list(state) == NAMES
    for p in net.parameters().values():
        p.data = p.data + 1.0
    assert net(np.ones(2)).item() != before
    np.testing.assert_array_equal(state["first.W"], [[0, 1], [2, 3]])
    assert not state["first.W"].flags.writeable
    net.load_state_dict(state)
    assert net(np.ones(2)).item() == before


def test_loading_copies_and_keeps_dtype():
    net = Net(dtype=np.float32)
    state = {name: np.full(p.shape, 3.0) for name, p in net.parameters().items()}
    net.load_state_dict(state)
    state["first.W"][:] = 9.0
    np.testing.assert_array_equal(net.first.W.data, np.full((2, 2), np.float32(3)), strict=True)
    net.load_state_dict({name: array.tolist() for name, array in state.items()})
    np.testing.assert_array_equal(net.first.W.data, np.full((2, 2), np.float32(9)), strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("gain"), "the names must agree"),
        (lambda state: state.update(extra=1.0), r"extra.*the names must agree"),
        (lambda state: state.update({"second.b": np.ones(3)}), r"second\.b has shape \(3,\), the module's \(2,\)"),
        (lambda state: state.update({"second.b": np.ones((2, 1))}), r"second\.b has shape \(2, 1\)"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    net = Net()
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    change(state)
    with pytest.raises(ValueError, match=message):
        net.load_state_dict(state)
    for name, array in net.state_dict().items():
        assert array is before[name]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_parameters_come_back_to_the_bit(tmp_path, dtype):
    net, other = Net(dtype=dtype), Net(dtype=dtype)
    net.first.W.data = np.random.default_rng(0).standard_normal((2, 2))
    path = net.save(tmp_path / "net.npz")
    assert path == tmp_path / "net.npz"
    other.load(path)
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, net.state_dict()[name], strict=True)
    with pytest.raises(ValueError, match="shape"):
        Net(3).load(path)


def test_saving_replaces_and_leaves_nothing_else_behind(tmp_path):
    net = Net()
    net.save(tmp_path / "net.npz")
    net.gain.data = 7.0
    net.save(str(tmp_path / "net.npz"))
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]
    other = Net()
    other.load(tmp_path / "net.npz")
    assert other.gain.item() == 7.0


@pytest.mark.parametrize("name", ["file", "args", "allow_pickle", "arr_0"])
def test_parameters_may_have_any_name(name, tmp_path):
    module = Module()
    setattr(module, name, Tensor([1.0, 2.0], requires_grad=True))
    path = module.save(tmp_path / "module.npz")
    module.load_state_dict({name: [0.0, 0.0]})
    module.load(path)
    np.testing.assert_array_equal(getattr(module, name).data, [1.0, 2.0])


# -- containers, and what is no parameter -----------------------------------------------------------------------------


class Part(Module):
    def __init__(self, n):
        self.W = Tensor(np.ones(n), requires_grad=True)


class Whole(Module):
    def __init__(self):
        self.cells = [Part(1), (Part(2), Tensor(np.ones(3), requires_grad=True))]
        self.gates = {"in": Part(4), "out": {"b": Tensor(np.ones(5), requires_grad=True)}}
        self.constants = [Tensor(1.0), "name", 3]
        self.itself = [self, self.cells]


def test_lists_tuples_and_dicts_hold_parameters():
    whole = Whole()
    sizes = {name: parameter.size for name, parameter in whole.parameters().items()}
    assert sizes == {"cells.0.W": 1, "cells.1.0.W": 2, "cells.1.1": 3, "gates.in.W": 4, "gates.out.b": 5}
    assert list(sizes) == ["cells.0.W", "cells.1.0.W", "cells.1.1", "gates.in.W", "gates.out.b"]


def test_all_of_them_are_saved_and_put_back(tmp_path):
    one, other = Whole(), Whole()
    for i, parameter in enumerate(one.parameters().values()):
        parameter.data = parameter.data * i
    other.load(one.save(tmp_path / "whole.npz"))
    for name, value in one.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


@pytest.mark.parametrize("value", [np.zeros(2), [0.0, 0.0], 1.0, "zeros"])
def test_a_parameter_is_not_replaced_by_what_is_none(value):
    part = Part(2)
    W = part.W
    with pytest.raises(TypeError, match=r"W is a parameter, .* write m\.W\.data = \.\.\. for new values"):
        part.W = value
    assert part.W is W
    part.W = Tensor(np.zeros(3), requires_grad=True)
    part.W = None
    part.W = value  # now it is none any more
    part.other = value


@pytest.mark.parametrize("value", [["a", "b"], np.array(["2020-01-01"] * 2, "datetime64[D]"), [1j, 2j], [None, 1.0]])
def test_a_state_with_a_fault_changes_nothing(value):
    whole = Whole()
    before = whole.state_dict()
    state = {name: array * 2 for name, array in before.items()} | {"cells.1.0.W": value}
    with pytest.raises(TypeError, match=r"the state's cells\.1\.0\.W"):
        whole.load_state_dict(state)
    assert all(whole.state_dict()[name] is array for name, array in before.items())


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip at all", b"\x93NUMPY", pickle.dumps({"W": [1.0]})],
    ids=["empty", "text", "half an array", "a pickle"],
)
def test_a_file_that_is_no_checkpoint_is_named_and_closed(content, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz is no checkpoint that Module\.save wrote") as caught:
        Part(2).load(path)
    assert "pickle" not in str(caught.value)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.npz"):
        Part(2).load(path)


def test_a_name_may_end_like_the_files_in_a_checkpoint(tmp_path):
    one, other = Module(), Module()
    for module, value in ((one, 1.0), (other, 0.0)):
        module.W = Tensor(value, requires_grad=True)
        setattr(module, "W.npy", Tensor(value + 10, requires_grad=True))
    other.load(one.save(tmp_path / "m.npz"))
    assert [p.item() for p in other.parameters().values()] == [1.0, 11.0]


# -- a module anew ----------------------------------------------------------------------------------------------------


def test_with_other_parameters_it_is_another_module_and_the_first_stays_what_it_was():
    net = Net()
    net.list, net.pair, net.itself = [net.first, {"gain": net.gain}], (net.gain, 1), net
    made = {id(p): Tensor(2.0 * p.data, requires_grad=True) for p in net.parameters().values()}
    new = {name: made[id(p)] for name, p in net.parameters().items()}
    before = dict(vars(net))
    twin = net.with_parameters(new)
    assert type(twin) is Net and twin.itself is twin and twin.list[0] is twin.first
    assert all(twin.parameters()[name] is new[name] for name in new)
    assert twin.list[1]["gain"] is twin.pair[0] is twin.gain
    assert twin.first.fixed is net.first.fixed
    assert vars(net) == before and net.parameters()["first.W"] is not new["first.W"]
