"""A text, character by character: which one comes next?

Without anything else it is the reference of the Python language as Python's own `help` knows it (`pydoc_data.topics`),
half a million characters that are on every machine; they differ a little between Python's versions.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.tasks.baselines import surprise
from minigrad.rnn.tasks.task import Batch, Task, at_least, weighted
from minigrad.rnn.tasks.windows import parted, streams, windows

ALPHA = {1: 1.0, 2: 0.1, 3: 0.01}
"""What is added to the counts of unigrams, bigrams and trigrams."""
NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}
LARGEST = 1000


def topics() -> str:
    """What Python's `help` says of the language, in the order of the topics' names."""
    from pydoc_data.topics import topics

    return "\n".join(text for _, text in sorted(topics.items()))


@dataclass(eq=False)
class Text(Task):
    """The next character of a text, from one-hot characters; the outputs are logits.

    Parameters
    ----------
    data : str or path-like, optional
        The text itself, or (a `pathlib.Path`) a file in UTF-8. Python's own `topics` if there is none.
    T : int
        Steps of a training sequence.
    parts : (float, float, float)
        Shares, or numbers of characters, of training, validation and test, first to last.
    temperature : float
        By which logits are divided when characters are drawn from them; 0 takes the most probable one.
    side : int
        How many windows of a held-out part stand side by side, each of which warms up on T characters.

    Attributes
    ----------
    alphabet : str
        The characters of the whole text, in the order of their columns.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no text in UTF-8, too short, or has more than 1000 different characters or only one.
    """

    data: str | os.PathLike[str] | None = field(default=None, repr=False)
    T: int = 50
    parts: tuple[float, float, float] = (0.85, 0.05, 0.1)
    temperature: float = 1.0
    side: int = 64

    name = "text"
    cost = "cross_entropy"
    metric = "cross-entropy (nats a character)"
    generates = True

    def __post_init__(self) -> None:
        at_least(1, T=self.T, side=self.side)
        if not 0 <= self.temperature < np.inf:
            raise ValueError(f"temperature={self.temperature}: expected a number of at least 0")
        if isinstance(self.data, str) and len(self.data) < 250 and os.path.isfile(self.data):
            raise ValueError(f"{self.data!r} would be the text itself, but is a file: pass Path({self.data!r})")
        text = topics() if self.data is None else self.data if isinstance(self.data, str) else read(self.data)
        self.alphabet = "".join(sorted(set(text)))
        if not 2 <= len(self.alphabet) <= LARGEST:
            raise ValueError(
                f"the text has {len(self.alphabet)} different characters: between 2 and {LARGEST} can be learnt, since"
                " each is an input and an output of its own"
            )
        self.n_in = self.n_out = len(self.alphabet)
        self.codes = self.encode(text)
        self._warm = max(self.T, 2)  # trigrams look at two characters
        self.rows = parted(len(text), self.parts, self._warm + 1, self.T + 1, "characters")

    def encode(self, text: str) -> Array:
        """The numbers (N,) of the characters of ``text``.

        Raises
        ------
        ValueError
            For characters that are not in the alphabet.
        """
        number = {character: k for k, character in enumerate(self.alphabet)}
        if strangers := "".join(sorted(set(text) - number.keys())):
            raise ValueError(f"{strangers!r} is not in the alphabet of the text: leave it out")
        return np.array([number[character] for character in text], np.int64)

    def decode(self, outputs: Any) -> str:
        """The text of numbers (N,), or the most probable one by one-hot rows or logits (N, n_out)."""
        found = np.asarray(outputs.data if isinstance(outputs, Tensor) else outputs)
        codes = found if found.ndim == 1 else np.argmax(found, axis=-1)
        return "".join(self.alphabet[code] for code in codes)

    def cut(self, rows: Array, weights: Array | None = None) -> Batch:
        """The windows with these rows (T + 1, B), one-hot."""
        hot = np.eye(self.n_in)[self.codes[rows]]
        return Batch(hot[:-1], hot[1:], weights)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` windows of the training part."""
        at_least(1, size=size)
        return self.cut(windows(rng, self.rows.training, self.T, size))

    @cached_property
    def validation(self) -> Batch:
        """The characters of the validation part, each a target once."""
        return self.cut(*streams(self.rows.validation, self.side, self._warm)).fixed()

    @cached_property
    def test(self) -> Batch:
        """The characters of the test part, each a target once."""
        return self.cut(*streams(self.rows.test, self.side, self._warm)).fixed()

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """Unigrams, bigrams and trigrams, counted in the training part, with `ALPHA` added to each count."""
        batch = self.test if batch is None else batch
        training, heard = self.codes[: self.rows.training.stop], np.argmax(batch.xs, axis=-1)
        before = np.concatenate([heard[:1], heard[:-1]])  # where nothing is judged, anything
        grams = np.stack([before, heard, np.argmax(batch.targets, axis=-1)], axis=-1)
        return {
            NAMES[n]: weighted(surprise(training, grams[..., 3 - n :], self.n_in, alpha), batch.weights)
            for n, alpha in ALPHA.items()
        }

    # -- closing the loop ---------------------------------------------------------------------------------------------

    def feed(self, output: Any, t: int, rng: np.random.Generator | None = None) -> Array:
        """A character drawn from what the logits ``output`` (B, n_out) tell, one-hot; without ``rng`` the likeliest."""
        logits = np.asarray(output.data if isinstance(output, Tensor) else output)
        if rng is not None and self.temperature > 0:
            logits = logits / self.temperature + rng.gumbel(size=logits.shape)  # whose argmax is such a draw
        hot: Array = np.eye(self.n_out)[np.argmax(logits, axis=-1)]
        return hot

    @cached_property
    def going_on(self) -> Batch:
        """The first thousand characters of the test part, and what they warm up on."""
        some = range(self.rows.test.start, min(self.rows.test.start + 1000, self.rows.test.stop))
        return self.cut(*streams(some, 1, self._warm)).fixed()

    @property
    def prompt(self) -> Array:
        """The characters before the test part, one-hot (P, 1, n_in)."""
        return self.going_on.xs[: self._warm + 1]

    @property
    def truth(self) -> Array:
        """Those that follow, one-hot (H, 1, n_out)."""
        return self.going_on.targets[self._warm :]


def read(path: str | os.PathLike[str]) -> str:
    """The text in a file."""
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{os.fspath(path)}, line {line}: this is no text in UTF-8; save it as UTF-8") from None
