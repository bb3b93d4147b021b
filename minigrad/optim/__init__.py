"""Optimizers, which clip and report: what they share (`optimizer`), one file a method, learning rates that change
(`schedules`), and clipping itself."""

from minigrad.optim import clipping, schedules
from minigrad.optim.adadelta import Adadelta
from minigrad.optim.adagrad import Adagrad
from minigrad.optim.adam import Adam, AdamW
from minigrad.optim.adamax import Adamax
from minigrad.optim.clipping import Clipped, clip_by_norm, global_norm
from minigrad.optim.nadam import NAdam
from minigrad.optim.optimizer import Optimizer, Step
from minigrad.optim.radam import RAdam
from minigrad.optim.rmsprop import RMSProp
from minigrad.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Clipped",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Step",
    "clip_by_norm",
    "clipping",
    "global_norm",
    "schedules",
]
