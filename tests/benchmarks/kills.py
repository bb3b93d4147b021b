"""A training that is killed (SIGKILL) at random times and resumed each time, against one that is left alone.

    python -m tests.benchmarks.kills [--times 50] [--seed 0]

Every checkpoint that is found has to be whole, and the end has to be the same to the last bit. Leftovers of a file that
was cut short stand beside the file under names of their own; how many there were is told.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.rnn.killing import killed_again_and_again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = killed_again_and_again(Path(folder), options.times, options.seed)
        left = len([*Path(folder).glob(".minigrad-*")])
    print(
        f"killed {options.times} times, found whole at {found} different updates, the same to the last bit at the end"
    )
    print(f"{left} files were being written")


if __name__ == "__main__":
    main()
