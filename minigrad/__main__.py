"""`python -m minigrad` is the command ``minigrad``."""

from minigrad.cli import app

if __name__ == "__main__":
    app()
