"""Whole files: the new content or the old one, and nothing left beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drai_hw.errors import SpecError
from drai_hw.files import write_whole


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
