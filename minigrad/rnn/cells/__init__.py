"""Recurrent networks, one step each.

How weights start (`initial`); what all networks share (`cell`), and those with a recurrent matrix (`recurrent`); the
lecture's network itself (`vanilla`), the variant that hears its own output (`feedback`), networks with gates
(`gated`: LSTM and GRU), and networks that are linear in what they carry (`linear`: minGRU and LRU); and layers of any
of them (`composed`). And Euler's method as a network of a single weight (`euler`).
"""

from minigrad.rnn.cells.composed import Stacked
from minigrad.rnn.cells.euler import EulerOscillator
from minigrad.rnn.cells.feedback import OutputFeedbackRNN
from minigrad.rnn.cells.gated import GRU, LSTM
from minigrad.rnn.cells.linear import LRU, MinGRU
from minigrad.rnn.cells.vanilla import RNN

__all__ = ["GRU", "LRU", "LSTM", "RNN", "EulerOscillator", "MinGRU", "OutputFeedbackRNN", "Stacked"]
