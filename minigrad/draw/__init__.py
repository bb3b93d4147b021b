"""Pictures of graphs: which Graphviz draws them (`engines`), and what gradients look like (`style`)."""

from minigrad.draw.engines import Digraph, EngineError, NoEngineError
from minigrad.draw.style import Scale

__all__ = ["Digraph", "EngineError", "NoEngineError", "Scale"]
