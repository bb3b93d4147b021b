"""``spectrum`` and ``cliff``: numbers with their meaning, pictures, and what is asked wrongly."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.commands.studying import matrices_in
from tests.commands.calling import command

JORDAN = np.array([[0.9, 10.0], [0.0, 0.9]])


@pytest.mark.parametrize("suffix", ["npy", "csv", "npz"])
def test_a_matrix_whose_numbers_are_known(tmp_path: Path, suffix: str) -> None:
    file, out = tmp_path / f"jordan.{suffix}", tmp_path / "pictures"
    if suffix == "npy":
        np.save(file, JORDAN)
    elif suffix == "csv":
        np.savetxt(file, JORDAN, delimiter=",")
    else:
        np.savez(file, jordan=JORDAN)
    done = command("spectrum", str(file), "--out", str(out))
    assert done.exit_code == 0, done.stderr
    for row in (r"ρ = \|λ₁\| +0.9 +below 1: .* vanish", r"max ‖W\^t‖₂, t ≤ 100 +38.75 +reached at t = 9",
                r"Kreiss's constant K +25.01 +K ≤ max ‖W\^t‖₂ ≤ e n K = 136", r"σ_max = ‖W‖₂ +10.08 .* may explode",
                r"stability radius +0.0009999", r"numerical radius r +5.9 "):  # fmt: skip
        assert re.search(row, done.stdout), done.stdout
    for name in ("spectrum.svg", "transient.svg"):
        assert (out / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")


@pytest.mark.parametrize(
    ("W", "said"),
    [
        (
            np.diag([0.5, -0.25]),
            ["below 1: gradients of a linear network vanish", "they vanish", "normal: ‖W^t‖₂ = ρ^t"],
        ),
        (
            np.diag([1.5, 0.0]),
            ["above 1: gradients of a linear network may explode", "none: the powers grow", "unstable already"],
        ),
        (np.eye(3), ["1: gradients of a linear network may do either", "they may do either"]),
        (np.zeros((1, 1)), ["below 1", "K ≤ max ‖W^t‖₂"]),
    ],
)
def test_what_the_numbers_mean(tmp_path: Path, W: np.ndarray, said: list[str]) -> None:
    np.save(tmp_path / "W.npy", W)
    done = command("spectrum", str(tmp_path / "W.npy"), "--out", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    for words in said:
        assert words in done.stdout


def test_a_checkpoint_holds_a_block_for_each_gate(tmp_path: Path) -> None:
    model = mg.rnn.LSTM(2, 3, 1)
    model.save(tmp_path / "lstm.npz")
    found = matrices_in(tmp_path / "lstm.npz")
    assert list(found) == ["W[0:3]", "W[3:6]", "W[6:9]", "W[9:12]"]
    np.testing.assert_array_equal(np.concatenate([*found.values()]), model.W.data)
    asked = command("spectrum", str(tmp_path / "lstm.npz"))
    assert (asked.exit_code, "several matrices: choose with --name one of W[0:3], W[3:6]" in asked.stderr) == (2, True)
    done = command("spectrum", str(tmp_path / "lstm.npz"), "--name", "W[3:6]")
    assert done.exit_code == 0
    assert f"{mg.rnn.spectral.spectral_radius(found['W[3:6]']):.4g}" in done.stdout


def test_of_a_training_the_best_is_meant(tmp_path: Path) -> None:
    trained = command("train", "order", "--updates", "3", "--hidden", "4", "--steps", "12", "--out", str(tmp_path))
    assert trained.exit_code == 0, trained.stderr
    (found,) = matrices_in(tmp_path / "order.npz").values()
    history = mg.rnn.checkpoints.read(tmp_path / "order.npz").history
    np.testing.assert_array_equal(found, (history.best or history.last)["W"])
    assert command("spectrum", str(tmp_path / "order.npz")).exit_code == 0


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "m.csv"),
        (lambda path: path.write_text("1,2\n3,x\n"), "holds no matrices: "),
        (lambda path: path.write_text("1,2,3\n"), r"holds no square matrix: it has m \(1, 3\)"),
        (lambda path: path.write_text("1,nan\n0,1\n"), "nan at index"),
    ],
)
def test_what_is_no_matrix(tmp_path: Path, write, message: str) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / "m.csv")
    done = command("spectrum", str(tmp_path / "m.csv"), "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert re.search(message, done.stderr)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("W", "said"),
    [
        (np.array([[0.5, 1e200], [0.0, 0.5]]), "beyond double precision: W is too far from normal"),
        (np.array([[1e200, 1e200], [0.0, 2e200]]), "beyond 1.8e308 from t = 2 on"),
        (np.full((2, 2), 5e-324), "below 1"),
        (np.eye(2, dtype=np.float16) / 2, "0.5 +below 1"),
        (np.eye(2, dtype=np.longdouble) / 2, "0.5 +below 1"),
    ],
)
def test_what_double_precision_cannot_tell_leaves_the_rest(tmp_path: Path, W: np.ndarray, said: str) -> None:
    np.save(tmp_path / "[b]W.npy", W)
    done = command("spectrum", str(tmp_path / "[b]W.npy"), "--out", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout
    assert "[b]W, 2 × 2" in done.stdout
    assert (tmp_path / "transient.svg").exists()


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("0.5,0\n0,0.25\n", encoding="utf-8-sig")
    np.testing.assert_array_equal(matrices_in(tmp_path / "m.csv")["m"], np.diag([0.5, 0.25]))
    (tmp_path / "m.csv").write_text("")
    assert "holds no square matrix" in command("spectrum", str(tmp_path / "m.csv")).stderr


def test_other_files_and_names(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("1")
    (tmp_path / "m.npy").write_text("1")
    (tmp_path / "m.npz").write_text("1")
    assert "ends in .npz, .npy or .csv" in command("spectrum", str(tmp_path / "m.txt")).stderr
    assert "holds no matrices" in command("spectrum", str(tmp_path / "m.npy")).stderr
    assert "holds no matrices" in command("spectrum", str(tmp_path / "m.npz")).stderr
    np.save(tmp_path / "W.npy", JORDAN)
    assert "no 'U': choose with --name one of W" in command("spectrum", str(tmp_path / "W.npy"), "--name", "U").stderr


def test_the_cliff(tmp_path: Path) -> None:
    done = command("cliff", "--out", str(tmp_path / "cliff"))
    assert done.exit_code == 0, done.stderr
    assert command("cliff", "--lr", "1e300", "--updates", "5", "--out", str(tmp_path)).exit_code == 0
    plain, clipped = (line.split() for line in done.stdout.splitlines() if "plain" in line or "clipped" in line)
    assert float(plain[2]) > 1  # its longest step
    assert float(clipped[5]) <= 0.05
    for name in ("cliff.svg", "cliff_3d.svg"):
        assert (tmp_path / "cliff" / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--start", "5"), "--start 5: two numbers are needed"),
        (("--start", "5,nan"), "nan"),
        (("--clip", "0"), "max_norm"),
        (("--lr", "-1"), "lr"),
    ],
)
def test_a_cliff_that_cannot_be(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = command("cliff", *options, "--out", str(tmp_path / "cliff"))
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "cliff").exists()
