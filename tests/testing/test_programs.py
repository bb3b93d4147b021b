"""Programs as graphs, as text and as pictures: the three say the same; and what strategies of them promise."""

from __future__ import annotations

import gc
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import programs as mp
from minigrad.testing.programs import DEFAULT_OPS, Op, Program, long_programs, node, programs
from minigrad.testing.strategies import arrays, broadcastable

X, W = np.array([[0.5, -0.75], [1.25, 0.375]]), np.array([[-0.25, 0.625]])
SIN, TIMES, PLUS, TANH = Op("np.sin(a)"), Op("a * b"), Op("a + b"), Op("np.tanh(a)")
FIXED = settings(derandomize=True, max_examples=3000)


def swish(a):
    """A function of one's own, that a program's source has to import."""
    return a / (1 + np.exp(-a))


def run_source(program, *args):
    names = {"np": np}
    exec(program.source(), names)
    return names["program"](*args)


# -- operations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", DEFAULT_OPS, ids=[op.source for op in DEFAULT_OPS])
@settings(max_examples=8)
@given(st.data())
def test_every_operation_takes_every_shape_and_gives_one_that_others_take(op, data):
    shaped = arrays(broadcastable(1, 0, 2, 1, 2).map(lambda fitting: fitting.result), "bounded")
    args = [data.draw(shaped) for _ in op.parameters]
    for dtype in (np.float64, np.float32):
        cast = [arg.astype(dtype) for arg in args]
        result = op.fn(*cast)
        assert np.broadcast_shapes(np.shape(result), (2, 2)) == (2, 2)
        assert np.all(np.isfinite(result)) and (not args or np.asarray(result).dtype == dtype)
        if args:
            recorded = op.fn(*(mg.Tensor(arg, requires_grad=True) for arg in cast))
            assert recorded.requires_grad
            np.testing.assert_array_equal(recorded.data, result)


def test_an_operation_knows_its_arguments_and_what_else_it_needs():
    assert Op("np.where(a > b, a, b)").parameters == ("a", "b")
    assert Op("b + abs(c)").parameters == ("b", "c")
    assert Op("2").parameters == () and Op("2").fn() == 2
    assert Op("swish(a)", {"swish": swish}).fn(0.0) == 0.0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("np.sin(a", "is one Python expression of np and a, b, c, d; got 'np.sin"),
        ("y = a", "is one Python expression"),
        ("relu(a)", r"uses relu, which it does not know: pass given=\{'relu': relu\}"),
        ("a + x", "uses x"),
    ],
)
def test_operations_that_make_no_sense_are_refused(source, message):
    with pytest.raises(ValueError, match=message):
        Op(source)


# -- graphs -----------------------------------------------------------------------------------------------------------


def test_equal_parts_are_one_node_and_programs_of_them_equal():
    once = node(TIMES, node(SIN, node("x")), node(TANH, node(SIN, node("x"))))
    assert node(TIMES, node(SIN, node("x")), node(TANH, node(SIN, node("x")))) is once
    assert node(TIMES, node(SIN, node("w")), node(TANH, node(SIN, node("x")))) is not once
    assert Program(once, ("x",)) == Program(once, ("x",)) != Program(once, ("x", "w"))
    assert len({Program(once, ("x",)), Program(once, ("x",))}) == 1
    assert Op("np.sin(a)") != SIN  # they may have been given different functions: only the same one is equal


def test_shared_parts_are_computed_once():
    times = []
    counted = Op("counted(a)", {"counted": lambda a: times.append(1) or a + 1})
    program = Program(node(TIMES, node(counted, node("x")), node(SIN, node(counted, node("x")))), ("x",))
    program.run(x=1.0)
    assert len(times) == 1
    x = mg.Tensor(X, requires_grad=True)
    y = program(x)
    assert y.args[1].args[0] is y.args[0]


def test_depth_and_number_of_paths_do_not_matter():
    deep = node("x")
    for _ in range(5_000):  # beyond any recursion, and with 2**5000 paths
        deep = node(TANH, node(PLUS, deep, deep))
    program = Program(deep, ("x",))
    assert len(program.operations) == 10_000
    assert np.isfinite(program(0.5))
    assert repr(program) == "<program of x with 10000 operations: see .source()>"
    assert program.source().count("\n") == 10_000


def test_nodes_are_forgotten_with_the_programs_that_hold_them():
    gc.collect()
    before = len(mp._nodes)
    held = node(TANH, node(SIN, node("y")))
    assert len(mp._nodes) == before + 3
    del held
    gc.collect()
    assert len(mp._nodes) == before


def test_inputs_have_names_and_all_are_wanted():
    program = Program(node(TIMES, node("x"), node("w")), ("x", "w"))
    np.testing.assert_array_equal(program.run(w=W, x=X), X * W)
    np.testing.assert_array_equal(program(X, W), X * W)
    with pytest.raises(TypeError, match="inputs are x, w; got x"):
        program.run(x=X)
    with pytest.raises(TypeError, match="inputs are x, w; got x, w, b"):
        program.run(x=X, w=W, b=1)
    with pytest.raises(ValueError, match="the program uses w, but its inputs are x"):
        Program(program.result, ("x",))
    for name in ("np", "v1", "lambda", "a b"):
        with pytest.raises(ValueError, match="take a Python name other than"):
            Program(node("x"), ("x", name))


# -- text and pictures ------------------------------------------------------------------------------------------------


@given(programs() | long_programs())
def test_the_source_computes_the_same(program):
    np.testing.assert_array_equal(run_source(program, X, W), program(X, W))
    lines = program.source().splitlines()
    assert lines[0] == "def program(x, w):" and len(lines) == 1 + max(1, len(program.operations))


@given(programs())
def test_a_short_repr_is_the_expression_itself(program):
    assert len(repr(program)) <= 100
    if not repr(program).startswith("<"):
        np.testing.assert_array_equal(eval(repr(program), {"np": np, "x": X, "w": W}), program(X, W))


@given(programs())
def test_the_picture_has_a_box_for_each_node_and_an_arrow_for_each_use(program):
    picture = program.draw().source
    assert picture == Program(program.result, program.inputs).draw().source
    assert len(re.findall(r"^\tn\d+ \[", picture, re.MULTILINE)) == len(program.nodes)
    assert picture.count(" -> ") == sum(len(each.parts) for each in program.nodes)


def test_every_graphviz_draws_it(real, tmp_path):
    """That inside of pygraphviz too, for which no ``dot`` has to be on the PATH."""
    program = Program(node(TIMES, node(SIN, node("x")), node("w")), ("x", "w"))
    path = program.draw().render(tmp_path / "program.svg")
    titles = [text.text for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "w", "np.sin(a)", "a * b"} <= set(titles)
    assert "</svg>" in program.draw().pipe("svg", encoding="utf-8")  # as a notebook asks


def test_what_is_used_twice_has_one_box_and_two_arrows():
    sine = node(SIN, node("x"))
    picture = Program(node(TIMES, sine, sine), ("x",)).draw().source
    assert picture.count("np.sin(a)") == 1
    assert picture.count("n1 -> n2") == 2


def test_parentheses_stand_where_they_are_needed():
    total = node(PLUS, node("x"), node("w"))
    product = Program(node(TIMES, total, node(Op("-a"), total)), ("x", "w"))
    assert repr(product) == "(x + w) * -(x + w)"
    assert product.source() == "def program(x, w):\n    v1 = x + w\n    v2 = -v1\n    return v1 * v2"


def test_functions_of_ones_own_are_imported():
    program = Program(node(Op("swish(a)", {"swish": swish}), node("x")), ("x",))
    assert program.source().startswith(f"from {__name__} import swish\ndef program(x):")
    np.testing.assert_array_equal(run_source(program, X), swish(X))
    renamed = Program(node(Op("silu(a)", {"silu": swish}), node("x")), ("x",))
    assert f"from {__name__} import swish as silu\n" in renamed.source()
    local = Program(node(Op("f(a)", {"f": lambda a: a}), node("x")), ("x",))
    assert local.source().startswith("# f has to be defined before\n")


def test_two_functions_of_one_name_cannot_be_written_down():
    one, other = Op("f(a)", {"f": np.sin}), Op("f(a)", {"f": np.cos})
    program = Program(node(one, node(other, node("x"))), ("x",))
    assert program(0.0) == np.sin(1.0)
    with pytest.raises(ValueError, match="two functions are called f"):
        program.source()


# -- strategies -------------------------------------------------------------------------------------------------------


def smallest(condition, strategy=None):
    return find(programs() if strategy is None else strategy, condition, settings=FIXED)


def test_programs_shrink_to_single_operations_and_first_inputs():
    assert repr(smallest(lambda program: True)) == "x"
    assert repr(smallest(lambda program: program.operations)) == "-x"
    assert repr(smallest(lambda program: "matmul" in program.source() or " @ " in program.source())).count("x") == 2
    uses_w_twice = lambda program: sum(node("w") in each.parts for each in program.nodes) > 1
    assert len(smallest(uses_w_twice).operations) <= 3
    fourth = smallest(lambda program: len(program.operations) >= 4)
    assert len(fourth.operations) == 4


def test_every_operation_occurs_and_so_does_sharing():
    seen, shared = set(), []

    @settings(max_examples=400, derandomize=True)
    @given(programs())
    def see(program):
        seen.update(each.op for each in program.nodes)
        shared.append(len(program.operations) > 1 and sum(len(n.parts) for n in program.nodes) >= len(program.nodes))

    see()
    assert seen == {*DEFAULT_OPS, "x", "w"}
    assert np.mean(shared) > 0.1


def test_programs_are_made_of_what_was_given():
    ops = [Op("np.pi"), SIN, Op("np.clip(a, b, c)")]
    ternary = smallest(lambda program: any(len(each.parts) == 3 for each in program.nodes), programs(ops, ["u"]))
    assert repr(ternary) == "np.clip(u, u, u)"
    assert {each.op for each in smallest(lambda p: len(p.nodes) > 3, programs(ops, ["u"])).nodes} <= {*ops, "u"}
    with pytest.raises(ValueError, match="an Op of at least one argument"):
        programs([Op("1")])


def test_long_programs_are_long_and_stay_bounded():
    sizes = []

    @settings(max_examples=60, database=None)
    @given(long_programs(min_lines=30, max_lines=40))
    def see(program):
        sizes.append(len(program.operations))
        assert np.max(np.abs(program(X, W))) <= 6  # the sum of six sines

    see()
    assert np.median(sizes) >= 35
