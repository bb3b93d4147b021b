"""Optimizers, which clip and report: what they share (`optimizer`), one file a method, learning rates that change
(`schedules`), clipping itself, and what there is to clip by (`clips`).

Examples
--------
>>> import numpy as np
>>> from minigrad import optim
>>> grads = [np.array([3.0, 4.0]), np.array([12.0])]
>>> optim.global_norm(grads)
13.0
>>> optim.clip_by_norm(grads, 6.5).grads
[array([1.5, 2. ]), array([6.])]
>>> optim.clip_each_by_norm(grads, 6.5).grads
[array([3., 4.]), array([6.5])]
>>> optim.clip_by_value(grads, 3.5).grads
[array([3. , 3.5]), array([3.5])]
>>> weights = [np.array([1.0, 0.0]), np.array([100.0])]
>>> optim.clip_adaptively(grads, weights, 0.1).clipped
True
>>> optim.suggest_threshold([1.0, 2.0, 3.0, 1e6])  # norms of past updates; the last is what is to be clipped
2.0
"""

from minigrad.optim import clipping, clips, schedules
from minigrad.optim.adadelta import Adadelta
from minigrad.optim.adagrad import Adagrad
from minigrad.optim.adam import Adam, AdamW
from minigrad.optim.adamax import Adamax
from minigrad.optim.clipping import (
    Clipped,
    clip_adaptively,
    clip_by_norm,
    clip_by_value,
    clip_each_by_norm,
)
from minigrad.optim.clips import AGC, AutoClip, ByNorm, ByValue, EachByNorm, suggest_threshold
from minigrad.optim.memory import Step
from minigrad.optim.nadam import NAdam
from minigrad.optim.norms import global_norm
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.radam import RAdam
from minigrad.optim.rmsprop import RMSProp
from minigrad.optim.sgd import SGD

__all__ = [
    "AGC",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AutoClip",
    "ByNorm",
    "ByValue",
    "Clipped",
    "EachByNorm",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Step",
    "clip_adaptively",
    "clip_by_norm",
    "clip_by_value",
    "clip_each_by_norm",
    "clipping",
    "clips",
    "global_norm",
    "schedules",
    "suggest_threshold",
]
