"""What comes in: every function looks at its matrix, its vectors and its counts before it computes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.rnn.dynamics.incoming import positive
from minigrad.rnn.dynamics.lyapunov import lyapunov_spectrum
from minigrad.rnn.dynamics.spectral import (
    DefectiveMatrixWarning,
    JacobianProduct,
    classify,
    eigenvalues,
    expand,
    gelfand,
    henrici,
    is_normal,
    jacobian_products,
    jacobians,
    kreiss_constant,
    log_singular_values,
    numerical_abscissa,
    numerical_radius,
    outermost,
    power_iteration,
    powers_norm,
    pseudospectral_radius,
    pseudospectrum,
    spectral_norm,
    spectral_radius,
    stability_radius,
    transient_growth,
)
from tests.rnn.dynamics.matrices import jordan_like

OF_A_MATRIX = [
    eigenvalues,
    spectral_radius,
    spectral_norm,
    numerical_abscissa,
    henrici,
    is_normal,
    numerical_radius,
    stability_radius,
    kreiss_constant,
    power_iteration,
    classify,
    lambda W: gelfand(W, 3),
    lambda W: transient_growth(W, 3),
    lambda W: outermost(W, 0.1),
    lambda W: pseudospectral_radius(W, 0.1),
    lambda W: pseudospectrum(W, 1j),
    lambda W: powers_norm(W, 3),
    lambda W: expand(W, [1.0, 1.0]),
    lambda W: jacobians([[1.0, 1.0]], W),
]


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize("W", [[1.0, 2.0], [[1.0, 2.0]], np.ones((2, 3)), np.ones((1, 2, 2)), np.ones((0, 0)), 3.0])
def test_a_matrix_has_to_be_square(f, W):
    with pytest.raises(ValueError, match="W has shape") as error:
        f(W)
    assert str(np.shape(W)) in str(error.value)


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_matrix_has_to_be_finite(f, bad):
    with pytest.raises(ValueError, match=rf"W holds {bad} at index \(1, 0\) \(1 of 4 entries"):
        f([[1.0, 2.0], [bad, 4.0]])


@pytest.mark.parametrize("f", [*OF_A_MATRIX, lambda W: log_singular_values([W]), lambda W: lyapunov_spectrum([W, W])])
def test_a_norm_has_to_be_a_number(f):
    with pytest.raises(ValueError, match=r"entries as large as 1.7e\+308: its norm is beyond the largest float"):
        f(np.full((2, 2), 1.7e308))


def test_up_to_there_everything_is_finite():
    for f in (
        spectral_radius,
        spectral_norm,
        numerical_abscissa,
        numerical_radius,
        lambda W: expand(W, [1, 0]).at(1)[0],
    ):
        assert f(np.diag([1.7e308, 1.0])) == pytest.approx(1.7e308)
    assert power_iteration(np.diag([1.7e308, 1.0])).eigenvalues[0] == pytest.approx(1.7e308)


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="no extended precision here")
def test_what_is_beyond_double_precision_is_told_with_its_value():
    with pytest.raises(ValueError, match=r"W holds 1e\+400 at index \(0, 0\)"):
        spectral_radius(np.eye(2, dtype=np.longdouble) * np.longdouble("1e400"))


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize(("W", "dtype"), [([[1j, 0], [0, 1]], "complex128"), ([["a", "b"], ["c", "d"]], "<U1")])
def test_a_matrix_has_to_be_real(f, W, dtype):
    with pytest.raises(ValueError, match=f"W has dtype {dtype}: expected real numbers"):
        f(W)


def test_tensors_and_other_dtypes_are_taken_for_their_values():
    W, h0 = np.array([[0.5, 0.25], [0.0, 2.0]]), np.array([8.0, 1.0])
    slopes = np.array([[1.0, 0.5]])
    for dtype in (np.float64, np.float32):
        tW, th0, ts = (Tensor(v.astype(dtype), requires_grad=True) for v in (W, h0, slopes))
        for f in (eigenvalues, spectral_radius, spectral_norm, numerical_abscissa, henrici):
            np.testing.assert_array_equal(f(tW), f(W))
        np.testing.assert_array_equal(powers_norm(tW, 3), powers_norm(W, 3))
        np.testing.assert_array_equal(expand(tW, th0).at(3), expand(W, h0).at(3))
        np.testing.assert_array_equal(jacobians(ts, tW), jacobians(slopes, W))
        np.testing.assert_array_equal(jacobian_products(Tensor(jacobians(ts, tW))), jacobian_products([slopes.T * W]))
        assert str(classify(tW)) == str(classify(W))
    assert spectral_radius([[3, 0], [0, -4]]) == 4


def test_other_arguments_that_make_no_sense_are_refused():
    W = np.eye(2)
    with pytest.raises(ValueError, match=r"h0 has shape \(3,\): W of shape \(2, 2\)"):
        expand(W, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="h0 holds nan at index"):
        expand(W, [1.0, np.nan])
    for slopes in (np.ones(2), np.ones((4, 3)), np.ones((4, 5, 2))):
        with pytest.raises(ValueError, match=r"f_prime has shape .*expected \(T, 2\)"):
            jacobians(slopes, W)
    with pytest.raises(ValueError, match="f_prime holds inf"):
        jacobians([[1.0, np.inf]], W)
    for stack in (W, np.ones((3, 2, 1)), np.ones((3, 0, 0))):
        with pytest.raises(ValueError, match=r"jacobians has shape .*expected \(T, n, n\)"):
            jacobian_products(stack)
    with pytest.raises(ValueError, match=r"jacobians holds nan at index \(1, 0, 0\)"):
        jacobian_products([[[1.0]], [[np.nan]]])
    with pytest.raises(ValueError, match="jacobian holds nan"):
        JacobianProduct(W, 0).then([[1.0, np.nan], [0.0, 1.0]])


@pytest.mark.parametrize("steps", [-1, 1.5, "3"])
def test_a_number_of_steps_is_a_natural_number(steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DefectiveMatrixWarning)
        repetition = expand(jordan_like(1.0, 1.0), [1.0, 1.0])
    for call, name in ((expand(np.eye(2), [1, 1]).at, "t"), (repetition.at, "t")):
        with pytest.raises(ValueError, match=f"{name} is {steps!r}: expected"):
            call(steps)
    with pytest.raises(ValueError, match=f"steps is {steps!r}: expected"):
        powers_norm(np.eye(2), steps)


def test_a_parameter_that_cannot_be_is_told_with_its_value():
    with pytest.raises(ValueError, match=r"m is -0\.5: expected a positive number"):
        positive("m", Tensor(-0.5, requires_grad=True))
    with pytest.raises(ValueError, match="m is nan: expected a finite number"):
        positive("m", Tensor(np.nan, requires_grad=True))
