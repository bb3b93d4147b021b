"""Schedules against reference values, against PyTorch where it is installed, and as an optimizer's learning rate."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.optim import SGD
from minigrad.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseSquareRoot,
    OneCycle,
    Plateau,
    StepDecay,
    Warmup,
)
from tests.optim.steps import parameter, run
from tests.optim.test_optim import REFERENCE

RATES, FACTORS, COUNTS = st.floats(1e-3, 10), st.floats(0.1, 1), st.integers(1, 60)
NAMED = {
    "CosineAnnealing_T10_min0.001": Cosine(0.1, steps=10, final=0.001),
    "Step_3_0.5": StepDecay(0.1, every=3, factor=0.5),
    "Exponential_0.9": Exponential(0.1, factor=0.9),
    "OneCycle_max0.1_10": OneCycle(0.1, steps=10),
    "LinearWarmup_0.1_5": Warmup(0.1, steps=5, start=0.1),
    "CosineWarmRestarts_4": Cosine(0.1, steps=4, restart=True),
}
VALUES = [*NAMED.values(), Constant(0.1), InverseSquareRoot(0.1, warmup=3), Warmup(Cosine(0.1, steps=5), steps=3)]


def of(schedule, steps=100):
    return [schedule(n) for n in range(steps)]


@pytest.mark.parametrize("name", REFERENCE["schedules"]["values"])
def test_reference_values(name):
    np.testing.assert_allclose(of(NAMED[name], 10), REFERENCE["schedules"]["values"][name], rtol=1e-13)


def test_reference_values_of_plateau():
    """They hold every case: better by too little, resting, as small as it gets."""
    reference = REFERENCE["plateau"]
    schedule = Plateau(0.1, **reference["options"])
    for cost, lr in zip(reference["costs"], reference["values"], strict=True):
        schedule.observe(cost)
        assert schedule(0) == pytest.approx(lr, rel=1e-13)


# -- PyTorch ----------------------------------------------------------------------------------------------------------

PAIRS = {
    "StepLR": st.builds(
        lambda lr, n, f: (StepDecay(lr, n, f), lr, {"step_size": n, "gamma": f}, 100), RATES, COUNTS, FACTORS
    ),
    "ExponentialLR": st.builds(lambda lr, f: (Exponential(lr, f), lr, {"gamma": f}, 100), RATES, FACTORS),
    "CosineAnnealingLR": st.builds(  # up to its end
        lambda lr, n, end: (Cosine(lr, n, end), lr, {"T_max": n, "eta_min": end}, n + 1), RATES, COUNTS, st.floats(0, 1)
    ),
    "CosineAnnealingWarmRestarts": st.builds(
        lambda lr, n, end: (Cosine(lr, n, end, restart=True), lr, {"T_0": n, "eta_min": end}, 100),
        *(RATES, COUNTS, st.floats(0, 1)),
    ),
    "LinearLR": st.builds(
        lambda lr, n, s: (Warmup(lr, n, s), lr, {"total_iters": n, "start_factor": s}, 100), RATES, COUNTS, FACTORS
    ),
    "OneCycleLR": st.builds(
        lambda lr, n, up, d, e: (
            OneCycle(lr, n, up, d, e),
            lr,
            {"max_lr": lr, "total_steps": n, "pct_start": up, "div_factor": d, "final_div_factor": e}
            | {"cycle_momentum": False},
            n,
        ),
        *(RATES, st.integers(2, 60), st.floats(0, 0.95), st.floats(1, 100), st.floats(1, 1e5)),
    ).filter(lambda pair: pair[2]["pct_start"] * pair[2]["total_steps"] != 1),  # there PyTorch divides by 0
}


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=40)
@given(data=st.data())
def test_schedules_are_pytorchs(name, data):
    torch = pytest.importorskip("torch")
    schedule, lr, options, steps = data.draw(PAIRS[name])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    found = []
    for n in range(steps):
        if n:
            optimizer.step()
            theirs.step()
        closed = getattr(theirs, "_get_closed_form_lr", None)  # without what rounding adds up to from step to step
        found.append(closed()[0] if closed else optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(of(schedule, steps), found, rtol=1e-13, atol=1e-13 * lr)


COSTS = st.lists(st.floats(0.1, 2) | st.just(math.nan), min_size=1, max_size=60)


@settings(max_examples=100)
@given(
    *(COSTS, st.floats(0.1, 0.9), st.integers(0, 4), st.floats(0, 0.3), st.integers(0, 4)),
    st.floats(0, 0.2),
)
def test_plateau_is_pytorchs(costs, factor, patience, threshold, cooldown, min_lr):
    torch = pytest.importorskip("torch")
    options = {"factor": factor, "patience": patience, "threshold": threshold, "cooldown": cooldown, "min_lr": min_lr}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    theirs, ours = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, **options), Plateau(0.1, **options)
    for cost in costs:
        theirs.step(cost)
        ours.observe(cost)
        assert ours(0) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-13)


# -- what they promise ------------------------------------------------------------------------------------------------


@given(RATES, COUNTS, st.floats(0, 1), st.integers(0, 10_000))
def test_where_they_end_they_stay(lr, steps, final, n):
    for schedule, end in (
        (Cosine(lr, steps, final), final),
        (OneCycle(lr, steps + 1), lr / 25e4),
        (Warmup(lr, steps), lr),
    ):
        assert schedule(steps + n) == pytest.approx(end, rel=1e-12)


@given(RATES, st.integers(2, 60), st.floats(0, 0.99))
def test_one_cycle_goes_up_once_and_down_once_and_never_above(lr, steps, rise):
    rates = of(OneCycle(lr, steps, rise), steps)
    signs = [np.sign(d) for d in np.diff(rates) if abs(d) > 1e-12 * lr]
    assert signs == sorted(signs, reverse=True)
    assert max(rates) <= lr * (1 + 1e-15)


@given(RATES, COUNTS)
def test_inverse_square_root_is_highest_where_the_warmup_ends(lr, warmup):
    """Vaswani et al. (2017), Eq. 3, the step counting from 1: lr_max √N min(n^-½, n N^-3/2)."""
    rates = of(InverseSquareRoot(lr, warmup), 4 * warmup)
    n = np.arange(1, 4 * warmup + 1)
    np.testing.assert_allclose(rates, lr * math.sqrt(warmup) * np.minimum(n**-0.5, n * warmup**-1.5), rtol=1e-12)
    assert np.argmax(rates) == warmup - 1
    assert rates[-1] == pytest.approx(lr / 2)


@given(RATES, COUNTS, st.integers(1, 60), FACTORS, st.integers(0, 100))
def test_warmup_hands_over_to_the_beginning_of_what_comes_then(lr, steps, then, start, n):
    after = Cosine(lr, then)
    warm = Warmup(after, steps, start)
    assert warm(steps + n) == after(n)
    np.testing.assert_allclose(of(warm, steps), lr * np.linspace(start, 1, steps, endpoint=False), rtol=1e-12)
    assert Warmup(lr, steps, start)(steps + n) == lr


@pytest.mark.parametrize("schedule", [*VALUES, Plateau(0.1)], ids=repr)
def test_schedules_are_values(schedule):
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert of(again) == of(schedule)
    assert repr(schedule).startswith(type(schedule).__name__ + "(")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0.0), "lr is 0.0"),
        (lambda: StepDecay(math.nan, 3), "lr is nan"),
        (lambda: StepDecay(0.1, 0), "every is 0; it has to be a whole number, at least 1"),
        (lambda: StepDecay(0.1, 3, factor=1.5), "factor is 1.5; it has to be above 0 and at most 1"),
        (lambda: Exponential(0.1, factor=0.0), "factor is 0.0"),
        (lambda: Cosine(0.1, steps=2.5), "steps is 2.5; it has to be a whole number"),
        (lambda: Cosine(0.1, steps=2, final=-1.0), "final is -1.0; it has to be finite and at least 0"),
        (lambda: OneCycle(0.1, steps=1), "steps is 1; it has to be a whole number, at least 2"),
        (lambda: OneCycle(0.1, steps=10, rise=1.0), "rise is 1.0; it has to be at least 0 and below 1"),
        (lambda: OneCycle(0.1, steps=10, div_factor=0), "div_factor is 0"),
        (lambda: InverseSquareRoot(0.1, warmup=0), "warmup is 0"),
        (lambda: Warmup(-0.1, steps=3), "then is -0.1; it has to be a finite number above 0"),
        (lambda: Warmup(0.1, steps=3, start=2.0), "start is 2.0"),
        (lambda: Warmup(Plateau(0.1), steps=3), "Plateau, which has to be the optimizer's own lr"),
        (lambda: Plateau(0.1, factor=1.0), "factor is 1.0; it has to be above 0 and below 1"),
        (lambda: Plateau(0.1, patience=-1), "patience is -1; it has to be a whole number, at least 0"),
        (lambda: Plateau(0.1, cooldown=1.5), "cooldown is 1.5"),
        (lambda: Plateau(0.1, threshold=-0.1), "threshold is -0.1"),
        (lambda: Plateau(0.1, min_lr=math.inf), "min_lr is inf"),
    ],
)
def test_options_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- as the learning rate of an optimizer -----------------------------------------------------------------------------


def test_an_optimizer_shows_the_rate_of_its_next_step():
    p = parameter([0.0])
    optimizer = SGD([p], lr=lambda n: 1.0 / (1 + n), on_nonfinite="skip")
    assert optimizer.lr == 1.0
    assert run(optimizer, p, [[1.0], [1.0]]).ravel().tolist() == [-1.0, -1.5]
    assert optimizer.lr == 1 / 3
    run(optimizer, p, [[math.nan]])  # is skipped, and does not count
    assert optimizer.lr == 1 / 3


def test_what_is_assigned_is_what_holds():
    p = parameter([0.0])
    optimizer = SGD([p], lr=Exponential(1.0, 0.5))
    run(optimizer, p, [[1.0]])
    optimizer.lr *= 0.5
    assert run(optimizer, p, [[1.0], [1.0]]).ravel().tolist() == [-1.25, -1.5]
    optimizer.lr = Exponential(8.0, 0.5)
    assert optimizer.lr == 1.0  # after three steps


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_a_schedule_that_says_nonsense_is_told_so_before_anything_happens(bad):
    p = parameter([1.0], "p")
    optimizer = SGD([p], lr=lambda n: 0.1 if n < 1 else bad, momentum=0.5)
    run(optimizer, p, [[1.0]])
    before = optimizer.state_dict()
    with pytest.raises(
        ValueError, match=rf"lr, which .* says for step 1, is {bad}; it has to be finite and at least 0"
    ):
        run(optimizer, p, [[1.0]])
    assert p.data.tolist() == [0.9]
    assert optimizer.state_dict() == before
    assert len(optimizer.history) == 1


def test_only_plateau_listens():
    heard = SGD([parameter([0.0])], lr=Plateau(1.0, factor=0.5, patience=0))
    deaf = SGD([parameter([0.0])], lr=1.0)
    for optimizer in (heard, deaf):
        for cost in (1.0, 0.5, 0.5, 0.4, math.nan):
            optimizer.observe(cost)
    assert (heard.lr, deaf.lr) == (0.25, 1.0)


def plateau():
    return SGD([parameter([0.0], "p")], lr=Plateau(1.0, factor=0.5, patience=1, cooldown=1, min_lr=0.1))


@given(st.lists(st.floats(0.1, 2), max_size=20), st.integers(0, 20))
def test_a_plateau_goes_on_where_it_was(costs, pause):
    through, first, second = plateau(), plateau(), plateau()
    for cost in costs[:pause]:
        through.observe(cost)
        first.observe(cost)
    state = first.state_dict()
    assert {key for key in state if key.startswith("lr.")} == {"lr.now", "lr.best", "lr.worse", "lr.resting"}
    second.load_state_dict(state)
    for cost in costs[pause:]:
        through.observe(cost)
        second.observe(cost)
    assert through.lr == second.lr
    assert through.state_dict() == second.state_dict()


def test_what_is_recalled_is_recalled_with_the_plateau():
    optimizer = plateau()
    optimizer.observe(1.0)
    memory, state = optimizer.memory(), optimizer.state_dict()
    for _ in range(5):
        optimizer.observe(2.0)
    assert optimizer.lr < 1.0
    optimizer.recall(memory)
    assert optimizer.lr == 1.0
    assert optimizer.state_dict() == state


def test_a_plateaus_state_is_of_a_plateau():
    with pytest.raises(ValueError, match=r"\['lr.best', 'lr.now', 'lr.resting', 'lr.worse'\] unknown"):
        SGD([parameter([0.0], "p")], lr=0.1).load_state_dict(plateau().state_dict())
