"""Tasks: what is to be learnt, and how one can tell that it was."""

from minigrad.rnn.tasks.task import Batch, Task

__all__ = ["Batch", "Task"]
