"""Optimizers, which clip and report: what they share (`optimizer`), one file a method, learning rates that change
(`schedules`), clipping itself, and what there is to clip by (`clips`)."""

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
    global_norm,
)
from minigrad.optim.clips import AGC, AutoClip, ByNorm, ByValue, EachByNorm, suggest_threshold
from minigrad.optim.nadam import NAdam
from minigrad.optim.optimizer import Optimizer, Step
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
