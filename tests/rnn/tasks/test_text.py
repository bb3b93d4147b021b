"""Characters: one-hot and back, parts that do not overlap, and what is drawn from logits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.tasks.baselines import surprise
from minigrad.rnn.tasks.text import Text, topics

DIFFERENT = "".join(map(chr, range(0x4E00, 0x4E00 + 900)))
"""A text in which no character comes twice, so that each tells where it stands."""


def small(**options):
    return Text("the quick brown fox jumps over the lazy dog. " * 20, **{"T": 8, "side": 4, **options})


def test_without_anything_it_is_pythons_own_text():
    task = Text()
    assert task.decode(task.codes) == topics()
    assert task.n_in == task.n_out == len(set(topics()))
    assert len(task.rows.test) == pytest.approx(len(topics()) / 10, abs=1)
    found = task.baselines(task.validation)
    assert math.log(task.n_in) > found["unigram"] > found["bigram"] > found["trigram"] > 1


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 6))
@settings(max_examples=20)
def test_no_window_of_training_overlaps_what_is_held_out(seed, T, side):
    task = Text(DIFFERENT, T=T, parts=(0.6, 0.2, 0.2), side=side)
    seen = [
        {*batch.xs.argmax(axis=-1).ravel(), *batch.targets.argmax(axis=-1).ravel()}
        for batch in (task.batch(np.random.default_rng(seed), 100), task.validation, task.test)
    ]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_what_is_predicted_is_the_next_character():
    task = small()
    for batch in (task.batch(np.random.default_rng(0), 5), task.validation, task.test):
        for array in batch[:2]:
            np.testing.assert_array_equal(array.sum(axis=-1), 1)
        np.testing.assert_array_equal(batch.targets[:-1], batch.xs[1:])
    assert batch.weights.tolist() == [0.0] * 8 + [1.0] * (len(batch.xs) - 8)


def test_baselines_are_of_the_characters_that_are_judged():
    """By a loop over them, one after the other in the text."""
    task = Text("".join(np.random.default_rng(0).choice(list("abcde"), 900)), T=8, side=1)
    test, training, codes = task.rows.test, task.codes[: task.rows.training.stop], task.codes
    expected = [
        np.mean([surprise(training, codes[i - n + 1 : i + 1], task.n_in, alpha) for i in test])
        for n, alpha in ((1, 1.0), (2, 0.1), (3, 0.01))
    ]
    assert [*task.baselines()] == ["unigram", "bigram", "trigram"]
    assert [*task.baselines().values()] == pytest.approx(expected, rel=1e-12)
    logits = np.broadcast_to(-surprise(training, np.arange(task.n_in)[:, None], task.n_in, 1.0), task.test.xs.shape)
    assert task.score(logits, task.test) == pytest.approx(expected[0], rel=1e-12)  # the same measure for a model


@given(st.text(st.sampled_from("the quick brown"), max_size=30))
def test_a_text_comes_back(text):
    task = small()
    codes = task.encode(text)
    assert task.decode(codes) == text
    assert task.decode(np.eye(task.n_in)[codes]) == text


def test_characters_are_drawn_as_the_logits_say():
    task, logits = small(), np.log([0.5, 0.3, 0.2])
    outputs = np.full((20_000, task.n_out), -np.inf)
    outputs[:, :3] = logits
    drawn = task.feed(outputs, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.sum(axis=-1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0)[:3], [0.5, 0.3, 0.2], atol=0.015)
    cold = small(temperature=0.5).feed(outputs, 0, np.random.default_rng(0)).mean(axis=0)
    np.testing.assert_allclose(cold[:3], np.array([0.25, 0.09, 0.04]) / 0.38, atol=0.015)
    for likeliest in (task.feed(outputs, 0), small(temperature=0.0).feed(outputs, 0, np.random.default_rng(0))):
        assert likeliest.mean(axis=0)[0] == 1


def test_the_text_goes_on_after_the_prompt():
    task = small()
    start = task.rows.test.start
    text = task.decode(task.codes)
    assert task.decode(task.prompt[:, 0]) == text[start - 9 : start]
    assert task.decode(task.truth[:, 0]) == text[start:]


def test_a_file_is_read(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "añb\r\n".encode() * 100)
    task = Text(path, T=3, side=2)
    assert task.alphabet == "\nabñ"
    with pytest.raises(ValueError, match=r"text\.txt' would be the text itself, but is a file: pass Path\("):
        Text(str(path))
    path.write_bytes(b"ab\nc\xff")
    with pytest.raises(ValueError, match=r"text\.txt, line 2: this is no text in UTF-8"):
        Text(path)
    with pytest.raises(OSError, match="nothing"):
        Text(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Text("𝄞ab" * 80), "of 240 characters"),  # too long for the name of a file
        (lambda: Text(""), "the text has 0 different characters"),
        (lambda: Text("a" * 1000), "the text has 1 different characters"),
        (lambda: Text("".join(map(chr, range(0x4E00, 0x4E00 + 1001)))), "the text has 1001 different characters"),
        (lambda: Text("ab" * 10), "of 20 characters the training part has 17, and a window takes 51"),
        (lambda: Text("ab" * 100), "is left for the validation part, beside the 102 that the windows warm up on"),
        (lambda: small(T=0), "T is 0"),
        (lambda: small(temperature=-1.0), "temperature=-1.0"),
        (lambda: small().encode("THE"), "'EHT' is not in the alphabet"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
