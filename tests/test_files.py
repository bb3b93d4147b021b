"""A file is written whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrad.files import read_arrays, write_arrays, writing

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and devices of POSIX systems")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_text_arrives_byte_for_byte(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.txt")
        with writing(path) as file:
            file.write(text)
        assert path.read_bytes() == text.encode("utf-8")
        assert os.listdir(folder) == ["a.txt"]


@settings(deadline=None)
@given(before=st.binary(), after=st.binary(), cut=st.integers(0))
def test_bytes_replace_bytes_only_when_the_block_succeeds(before, after, cut):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.bin")
        path.write_bytes(before)
        with pytest.raises(ZeroDivisionError), writing(path, "wb") as file:
            file.write(after[: cut % (len(after) + 1)])
            file.flush()
            raise ZeroDivisionError
        assert path.read_bytes() == before
        with writing(path, "wb") as file:
            file.write(after)
            file.flush()
            assert path.read_bytes() == before  # whoever reads meanwhile sees the old file
        assert path.read_bytes() == after
        assert os.listdir(folder) == ["a.bin"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, OSError])
def test_an_interruption_leaves_nothing(tmp_path, interruption):
    with pytest.raises(interruption), writing(tmp_path / "new.txt") as file:
        file.write("half")
        raise interruption
    assert list(tmp_path.iterdir()) == []


def test_a_failure_at_the_last_step_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"), writing(tmp_path / "new.txt") as file:
        file.write("all of it")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_do_not_meet(tmp_path):
    with writing(tmp_path / "a") as first, writing(tmp_path / "a") as second:
        first.write("first")
        second.write("second")
    assert (tmp_path / "a").read_text() == "first"  # it was finished last
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    with writing(str(path)) as file:
        file.write("text")
    assert path.read_text() == "text"


@posix
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_a_new_file_has_the_permissions_of_any_other(tmp_path, umask):
    old = os.umask(umask)
    try:
        with writing(tmp_path / "a") as file:
            file.write("text")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


@posix
def test_a_replaced_file_leaves_its_permissions(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o600)
    with writing(path) as file:
        file.write("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "new"


@posix
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "data" / "real")
    with writing(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "data" / "real").read_text() == "new"


@posix
def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"  # never a real device: were the code wrong, the superuser's test would replace it
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with writing(pipe, "wb") as file:
            file.write(b"through")
        assert pipe.is_fifo()
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)


def test_no_folder(tmp_path):
    told = pytest.raises(
        FileNotFoundError, match=r"out\.txt cannot be written, there is no folder .*missing: create it"
    )
    with told, writing(tmp_path / "missing" / "out.txt"):
        pytest.fail("nothing is computed for a file that cannot be written")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"there is no folder .*file"), writing(tmp_path / "file" / "out.txt"):
        pass


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"), writing(tmp_path):
        pass


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minigrad.files.open", refuse, raising=False)  # the superuser is refused nothing
    told = pytest.raises(PermissionError, match=r"a\.txt cannot be written in the folder .*Permission denied")
    with told as caught, writing(tmp_path / "a.txt"):
        pass
    assert caught.value.errno == 13


@pytest.mark.parametrize("mode", ["a", "r", "x", "w+"])
def test_other_modes_are_refused(tmp_path, mode):
    with pytest.raises(ValueError, match="'w' for text or 'wb' for bytes"), writing(tmp_path / "a", mode):
        pass
    assert list(tmp_path.iterdir()) == []


@given(
    st.dictionaries(
        st.text(max_size=8).filter(lambda name: "\0" not in name),
        arrays(st.sampled_from([np.float64, np.float32, np.int64, bool]), array_shapes(min_dims=0, min_side=0)),
        max_size=4,
    )
)
def test_arrays_are_read_as_they_were_written(tmp_path_factory, written):
    path = write_arrays(tmp_path_factory.mktemp("arrays") / "some.npz", written)
    found = read_arrays(path, "file of the test")
    assert found.keys() == written.keys()
    for name, values in written.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_a_name_that_would_be_cut_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="the name of an entry ends at"):
        write_arrays(tmp_path / "some.npz", {"a": np.zeros(2), "b\0c": np.zeros(1)})
    assert list(tmp_path.iterdir()) == []


def test_what_holds_no_arrays_is_not_what_is_needed(tmp_path):
    (tmp_path / "some.npz").write_bytes(b"words")
    with pytest.raises(ValueError, match=r"some\.npz is no file of the test"):
        read_arrays(tmp_path / "some.npz", "file of the test")
