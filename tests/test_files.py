"""Whole files: the new content or the old one, and nothing left beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from drai_hw import files
from drai_hw.errors import SpecError
from drai_hw.files import FULL_BYTES, full_disk, want_of_space, write_whole


def test_a_file_is_written_whole_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_whole(path, "φ = 1\n")
    write_whole(path, "φ = 2\n")
    assert path.read_bytes() == "φ = 2\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.txt"
    write_whole(path, "old")

    def refuse(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SpecError, match=r"cannot write '.*b\.txt': full; choose another place"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_want_of_space_names_the_place_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "not yet there"
    free = {tmp_path: 10, Path(tempfile.gettempdir()): FULL_BYTES}

    class Usage:
        def __init__(self, path: Path) -> None:
            self.free = free.get(path, FULL_BYTES)

    monkeypatch.setattr(files.shutil, "disk_usage", Usage)
    assert want_of_space(place) == f"free some space at '{place}' (10 bytes are free there)"
    free[tmp_path] = FULL_BYTES
    assert want_of_space(place) == ""
    free[Path(tempfile.gettempdir())] = 0
    assert want_of_space(place) == (
        f"free some space at '{tempfile.gettempdir()}' (0 bytes are free there)"
    )


def test_a_disk_that_is_full_by_nature_is_not_told_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FULL_BYTES", 1 << 62)
    assert "bytes are free there" in full_disk(tmp_path)
    real = os.statvfs(tmp_path)

    class ReadOnly:
        f_flag = real.f_flag | os.ST_RDONLY

    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: Usage())
    monkeypatch.setattr(os, "statvfs", lambda path: ReadOnly)
    assert full_disk(tmp_path) == ""


class Usage:
    free = 0
