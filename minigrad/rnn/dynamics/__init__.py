"""What a recurrence does in the long run."""

from minigrad.rnn.dynamics import flow, oscillator, spectral

__all__ = ["flow", "oscillator", "spectral"]
