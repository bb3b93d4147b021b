"""Pictures of graphs, from any recorded tensor: `draw`, or `tree` for terminals.

Which Graphviz draws them (`finding`, `dot`), what gradients look like (`style`), what nodes are called (`text`), what
is shown of a large graph (`boxes`), the picture itself (`operations`), and what notebooks show unasked (`notebook`).
The figure of the textbooks is in `minigrad.rnn`, which knows about steps.
"""

from minigrad.pictures.dot import Digraph
from minigrad.pictures.finding import GraphvizError, NoGraphvizError
from minigrad.pictures.operations import draw
from minigrad.pictures.style import Scale
from minigrad.pictures.text import tree

__all__ = ["Digraph", "GraphvizError", "NoGraphvizError", "Scale", "draw", "tree"]
