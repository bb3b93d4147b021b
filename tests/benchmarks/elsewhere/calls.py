"""Which arguments functions want, where an array or three are not enough, and the values that options may have."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.elsewhere.points import A

M, V, S, N = A((2, 3)), A((4,)), A((3, 3)), A(())  # a matrix, a vector, a square, a number

GENERIC: tuple[tuple[Any, ...], ...] = (
    (M,), (V,), (N,), (S,), (A((2, 1, 3)),), (A((3, 3), "spd"),), (A((2, 2, 2)),), (A((2, 3, 3), "spd"),),
    (M, M), (M, A((3,))), (A((2, 1)), A((1, 3))), (V, V), (N, N), (M, N), (N, V), (S, S), (A((2, 2, 3)), A((2, 1))),
    (M, M, M), (A((2, 1)), A((3,)), N), (V, V, V), (M, M, M, M), (V, V, V, V),
    (A((3, 3), "lower"), A((3, 3))), (A((3, 3), "spd"), A((3,))), ([M, M],), ([V, V, V],), ([A((2, 2)), A((2, 1))],),
)  # fmt: skip
"""What any function is tried with; those of them that it takes are used."""

I, B = A((2, 3), "index"), A((2, 3), "mask")
NUMPY: dict[str, tuple[tuple[Any, ...], ...]] = {
    "reshape": ((M, (3, 2)), (M, (-1,)), (V, (2, 2))),
    "repeat": ((M, 2), (M, 3), (V, 2), (A((2, 2)), 2)),
    "tile": ((M, 2), (M, (2, 1)), (M, (2, 1, 2)), (N, 3)),
    "full": (((2, 3), N), ((2, 3), A((3,))), ((2, 3), A((2, 1))), ((2,), N)),
    "full_like": ((A((2, 3), "mask"), N), (M, N)),
    "roll": ((M, 1), (V, -2), (V, 5)),
    "rot90": ((S,), (M, 2)),
    "moveaxis": ((A((2, 3, 2)), 0, -1), (A((2, 3, 2)), (0, 1), (-1, 0))),
    "rollaxis": ((A((2, 3, 2)), 2), (A((2, 3, 2)), 1, 3)),
    "swapaxes": ((A((2, 3, 2)), 0, -1),),
    "transpose": ((A((2, 3, 2)), (1, 2, 0)), (M,), (A((2, 3, 2)), (-1, 0, 1))),
    "expand_dims": ((M, 1), (M, -1), (N, 0)),
    "squeeze": ((A((2, 1, 3)),), (A((1, 3, 1)), -1)),
    "broadcast_to": ((A((3,)), (2, 3)), (N, (2, 2)), (A((2, 1)), (2, 3))),
    "take": ((M, np.array([0, 5, 5])), (V, np.array([[0, -1], [1, 1]]))),
    "take_along_axis": ((M, np.array([[0, 1, 1], [1, 1, 0]]), 0), (M, np.array([[0, 2, 2], [1, 1, 0]]), -1)),
    "choose": ((np.array([0, 1, 1]), [A((3,)), A((3,))]),),
    "compress": ((np.array([True, False]), M, 0),),
    "delete": ((V, 1), (M, 1, 0)),
    "insert": ((V, 1, N), (V, np.array([0, 2]), A((2,)))),
    "append": ((V, V), (M, M, 0), (M, M)),
    "split": ((A((4, 2)), 2), (A((2, 4)), 2, -1)),
    "array_split": ((A((5,)), 2), (A((2, 5)), 3, 1)),
    "hsplit": ((A((2, 4)), 2),), "vsplit": ((A((4, 2)), 2),), "dsplit": ((A((1, 2, 4)), 2),),
    "pad": ((M, ((1, 0), (0, 2))), (V, 1), (M, 1, "edge"), (M, 1, "reflect"), (V, 2, "wrap"), (V, 2, "symmetric"),
            (V, (1, 2), "linear_ramp"), (M, 1, "maximum"), (M, 1, "mean"), (V, 1, "median")),
    "where": ((B, M, M), (B, M, N), (A((3,), "mask"), M, A((2, 1))), (B, N, N)),
    "select": (([A((3,), "mask"), A((3,), "mask")], [A((3,)), A((3,))]),),
    "clip": ((M, -0.5, 0.75), (M, A((3,)), A((2, 1))), (V, None, 0.5), (V, N, N)),
    "einsum": (("ij,jk->ik", M, A((3, 2))), ("ii->i", S), ("ii", S), ("ij->j", M), ("i,i->", V, V), ("ij,ij->i", M, M),
               ("...i,...i", M, A((3,))), ("ij,j,i", M, A((3,)), A((2,))), ("ijj->i", A((2, 3, 3))), ("ij,kj", M, M)),
    "tensordot": ((M, A((3, 2)), 1), (M, A((2, 3)), 2), (A((2, 3, 2)), A((3, 2)), ([1, 2], [0, 1])), (V, V, 0)),
    "dot": ((M, A((3, 2))), (M, A((3,))), (V, V), (A((2, 2, 3)), A((3,))), (A((2, 2, 3)), A((2, 3, 2))), (N, M)),
    "matmul": ((M, A((3, 2))), (M, A((3,))), (A((2,)), M), (A((2, 2, 3)), A((3, 2))), (A((2, 3)), A((2, 3, 2)))),
    "vdot": ((V, V), (M, M)), "inner": ((V, V), (M, A((4, 3))), (N, M)), "outer": ((V, A((2,))), (M, N)),
    "kron": ((M, A((2, 2))), (V, A((2,))), (V, M)),
    "cross": ((A((2, 3)), A((2, 3))), (A((3,)), A((2, 3))), (A((2, 2)), A((2, 2)))),
    "trace": ((S,), (M,), (A((2, 3, 3)),)),
    "diag": ((V,), (S,), (M, 1), (V, -1)), "diagflat": ((V, 1),),
    "diagonal": ((S,), (M, 1), (A((2, 3, 3)), 0, 1, 2), (A((2, 3, 3)), -1, -1, 0)),
    "tril": ((S, -1), (M,)), "triu": ((S, 1), (M, -1)),
    "partition": ((V, 1), (M, 1)), "percentile": ((V, 30.0), (M, 50.0), (V, [10.0, 90.0])),
    "quantile": ((V, 0.3), (M, 0.5), (V, A((2,), "fraction")), (M, 0.25)), "nanquantile": ((V, 0.3),),
    "nanpercentile": ((V, 30.0),),
    "interp": ((V, A((5,), "sorted"), A((5,))), (N, A((3,), "sorted"), A((3,)))),
    "convolve": ((V, A((3,))), (V, A((2,)), "same"), (V, A((2,)), "valid")), "correlate": ((V, A((3,))), (V, A((3,)), "full")),
    "polyval": ((A((3,)), V), (A((3,)), N)), "polyadd": ((A((3,)), A((2,))),), "polymul": ((A((3,)), A((2,))),),
    "vander": ((V,), (V, 3)), "gradient": ((V,), (M,), (V, 0.5)), "diff": ((V,), (V, 2), (M, 1, 0)),
    "trapezoid": ((V,), (V, A((4,), "sorted")), (M,)), "unwrap": ((V,),), "nan_to_num": ((M,),), "ldexp": ((M, I),),
    "matrix_power": ((S, 2), (S, 3), (S, -1), (S, 0), (S, -2)), "expm": ((S,),), "multi_dot": (([M, A((3, 2)), A((2, 2))],),),
    "norm": ((V,), (M,), (S,), (A((2, 2, 3)),)), "solve": ((A((3, 3), "spd"), A((3,))), (S, M.__class__((3, 2)))),
    "solve_triangular": ((A((3, 3), "lower"), A((3,))),), "sqrtm": ((A((3, 3), "spd"),),), "pinv": ((M,), (A((3, 2)),)),
    "solve_sylvester": ((S, S, S),), "lstsq": ((A((4, 2)), V),), "svd": ((M,), (A((3, 2)),)),
    "tensorsolve": ((A((2, 2, 4)), A((2, 2))),), "tensorinv": ((A((2, 2, 4)),),), "block": (([[M, M], [M, M]],),),
    "piecewise": ((V, [np.array([True, False, True, False])], [N, N]),), "searchsorted": (), "apply_along_axis": (),
    "polygamma": ((0, M), (1, M), (2, M), (3, V)), "multigammaln": ((A((3,), "above one"), 2),), "expn": ((1, M), (2, M), (3, V)),
    "jn": ((2, M),), "yn": ((1, M),), "jv": ((1.5, M),), "iv": ((1.5, M),), "ive": ((0.5, M),), "zeta": ((A((3,), "above one"), A((3,), "positive")),),
    "betainc": ((A((2,), "positive"), A((2,), "positive"), A((2,), "fraction")),), "bernoulli": (), "factorial": ((M,),),
    "hyp1f1": ((A((2,), "positive"), A((2,), "positive"), A((2,))),), "hyp2f1": ((A((2,), "positive"), A((2,), "positive"), A((2,), "above one"), A((2,), "fraction")),),
    "stft": (), "odeint": (), "result_type": (), "segment_sum": ((V, np.array([0, 0, 1, 2])), (V, np.array([2, 0, 0, 2]))),
    "segment_prod": ((V, np.array([0, 0, 1, 2])),), "segment_max": ((V, np.array([0, 0, 1, 1])),), "segment_min": ((V, np.array([0, 0, 1, 1])),),
    "one_hot": (), "dirichlet": (), "softmax_crossentropy": ((A((3, 4)), np.array([0, 1, 3])),),
    "margin_ranking_loss": ((V, V, 1, 0.5),), "focal_loss": ((A((3, 4), "simplex"), np.array([0, 1, 3])),),
    "multiclass_hinge": ((A((3, 4)), np.array([0, 1, 3])),), "softmax_focal_loss": ((A((3, 4)), np.array([0, 1, 3])),),
    "negative_log_likelihood": ((A((3, 4)), np.array([0, 1, 3])),), "conv_nd": ((A((1, 1, 5)), A((1, 1, 2))),),
    "max_pool": ((A((1, 4, 4)), (2, 2), 2), (A((4,)), (2,), 1)), "batchnorm": ((A((4, 2)),),), "elu": ((M, 1.0),), "hard_tanh": ((M,),),
    "leaky_relu": ((M, 0.1),), "cumulative_sum": ((V,),), "cumulative_prod": ((V,),), "fill_diagonal": ((S, N),), "put_along_axis": (),
    "argwhere": (), "logpdf": ((V, A((4,)), A((4,), "positive")), (V,), (V, A((4,), "positive")), (V, A((4,), "positive"), A((4,), "positive"))),
}  # fmt: skip
"""By the last part of a function's name. No calls at all: it is not one to be differentiated."""

LAX: dict[str, tuple[tuple[Any, ...], ...]] = {
    "dot": ((M, A((3, 2))), (V, V)), "cumsum": ((M, 1), (V,)), "cumprod": ((M, 1), (V,)), "cummax": ((M, 1), (V,)),
    "cummin": ((M, 0),), "cumlogsumexp": ((M, 1), (V,)), "sort": ((M,), (V, 0)), "top_k": ((V, 2), (M, 1)),
    "clamp": ((N, M, N), (M, M, M)), "select": ((B, M, M),), "select_n": ((B, M, M),), "rev": ((M, (1,)),),
    "reshape": ((M, (3, 2)),), "broadcast": ((M, (2,)),), "broadcast_in_dim": ((A((3,)), (2, 3), (1,)),),
    "transpose": ((M, (1, 0)),), "squeeze": ((A((2, 1)), (1,)),), "expand_dims": ((M, (0,)),), "slice": ((M, (0, 1), (2, 3)),),
    "dynamic_slice": ((M, (0, 1), (2, 2)), (M, (1, 2), (2, 2))), "dynamic_update_slice": ((M, A((1, 2)), (0, 1)), (M, A((1, 2)), (1, 2))),
    "pad": ((V, N, ((1, 2, 1),)), (V, N, ((-1, 0, 0),))), "concatenate": (([V, V], 0),), "integer_pow": ((M, 3), (M, -2), (M, 0), (M, 1)),
    "pow": ((M, M), (M, 2)), "conv": ((A((1, 1, 4, 4)), A((1, 1, 2, 2)), (1, 1), "SAME"),), "reduce_max": ((M, (1,)),), "reduce_min": ((M, (0,)),),
    "reduce_sum": ((M, (1,)),), "reduce_prod": ((M, (1,)), (M, (0, 1))), "batch_matmul": ((A((2, 2, 2)), A((2, 2, 2))),), "reduce_precision": (),
    "convert_element_type": (), "polygamma": ((A((2,), "count"), A((2,))),), "zeta": ((A((2,), "above one"), A((2,), "positive")),),
    "cholesky": ((A((3, 3), "spd"),),), "eigh": ((A((3, 3), "spd"),),), "lu": ((S,),), "qr": ((S,),), "svd": ((M,),), "triangular_solve": ((A((3, 3), "lower"), S),),
    "dynamic_index_in_dim": ((M, 1),), "index_take": ((M, (np.array([0, 1]),), (0,)),), "shift_left": (), "regularized_incomplete_beta": ((A((2,), "positive"), A((2,), "positive"), A((2,), "fraction")),),
    "hessenberg": ((S,),), "tridiagonal_solve": ((A((3,)), A((3,), "above one"), A((3,)), A((3, 2))),), "householder_product": ((S, A((3,))),),
}  # fmt: skip

OPTIONS: dict[str, tuple[Any, ...]] = {
    "axis": (0, -1, 1, None, (0, 1), (-1,), (-2, -1), -2), "dim": (0, -1, 1, (0, 1), -2, (-1,)), "keepdims": (True, False), "keepdim": (True,),
    "where": (np.array([True, False, True]), np.array([[True], [False]])), "initial": (0.5, 2.0, -1.0), "ddof": (1, 0), "correction": (1, 0, 2, 0.5),
    "unbiased": (False,), "ord": (2, 1, np.inf, -np.inf, "fro", "nuc", 3, 2.5, 0, -1, -2), "p": (1, 3.0, np.inf, 0.5), "n": (1, 2), "k": (1, -1), "offset": (1, -1),
    "order": ("C", "F"), "mode": ("same", "full", "valid", "wrap", "clip", "reflect"), "method": ("linear", "lower", "higher", "midpoint", "nearest"),
    "indexing": ("ij", "xy"), "lower": (True, False), "trans": (1, "T"), "full_matrices": (False,), "compute_uv": (False,), "UPLO": ("L", "U"),
    "bias": (True,), "rowvar": (False,), "returned": (True,), "weights": (np.array([0.5, 1.0, 2.0]), np.array([0.5, 1.0])), "approximate": (False, True, "tanh", "none"),
    "reverse": (True,), "exclusive": (True,), "stable": (False,), "descending": (True,), "prepend": (0.5,), "append": (0.5,), "edge_order": (2,), "dx": (0.5,),
    "left": (0.5,), "right": (-0.5,), "period": (2.0,), "alpha": (0.5, 2.0), "beta": (2.0,), "negative_slope": (0.2,), "threshold": (0.5, 20), "lambd": (0.3,),
    "loc": (0.5,), "scale": (2.0,), "eps": (1e-3,), "reduction": ("mean", "sum", "none"), "delta": (0.5,), "margin": (0.5,), "b": (np.array([0.5, 1.0, -2.0]),),
    "return_sign": (True,), "hermitian": (True,), "rtol": (1e-3,), "overwrite_a": (True,), "symmetrize_input": (False,), "increasing": (True,), "copy": (True,),
    "axis1": (-1, 0), "axis2": (-2, 1), "axes": ((1, 0), 1), "shift": (-1,), "start": (1,), "constant_values": (0.5,), "decimals": (1,), "driver": ("gesvd",), "include_initial": (True,), "num_segments": (4,),
}  # fmt: skip
"""Values for an option of that name, whether or not they fit: a call that raises an error is drawn anew."""
