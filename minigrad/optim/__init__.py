"""Optimizers, which clip and report: what they share (`optimizer`), one file a method, and clipping itself."""

from minigrad.optim import clipping
from minigrad.optim.adam import Adam
from minigrad.optim.clipping import Clipped, clip_by_norm, global_norm
from minigrad.optim.optimizer import Optimizer, Step
from minigrad.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Clipped", "Optimizer", "Step", "clip_by_norm", "clipping", "global_norm"]
