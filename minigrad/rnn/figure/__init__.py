"""The textbook figure."""
