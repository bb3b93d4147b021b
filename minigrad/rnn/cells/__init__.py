"""The lecture's recurrent networks, one step each.

How weights start (`initial`), the network itself (`vanilla`), and the variant that hears its own output (`feedback`).
"""

from minigrad.rnn.cells.feedback import OutputFeedbackRNN
from minigrad.rnn.cells.vanilla import RNN

__all__ = ["RNN", "OutputFeedbackRNN"]
