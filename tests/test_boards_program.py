"""Programming: the command as openFPGALoader wants it, and refusals before anything is touched."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from drai_hw.boards import toolchain
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.program import command_text, program, program_command
from drai_hw.errors import SpecError, ToolError


def _loader(tmp_path: Path, monkeypatch, body: str) -> Path:
    tool = tmp_path / "loader"
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("OPENFPGALOADER", str(tool))
    return tool


def test_the_command_names_board_and_file() -> None:
    words = program_command(load_board("ulx3s-85f"), "a b.bit")
    assert command_text(words) == "openFPGALoader -b ulx3s 'a b.bit'"
    words = program_command(load_board("tang-nano-9k"), "top.fs")
    assert command_text(words) == "openFPGALoader -b tangnano9k top.fs"
    words = program_command(load_board("ulx3s-85f"), "top.bit", flash=True)
    assert command_text(words) == "openFPGALoader -b ulx3s -f top.bit"


def test_the_loader_is_run_with_the_command(tmp_path: Path, monkeypatch) -> None:
    body = f'[ "$1" = --version ] || echo "$@" > {tmp_path}/seen'
    tool = _loader(tmp_path, monkeypatch, body)
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"x")
    lines: list[str] = []
    words = program(load_board("icebreaker"), bitstream, progress=lines.append)
    assert words == (str(tool), "-b", "ice40_generic", str(bitstream))
    assert (tmp_path / "seen").read_text().split() == ["-b", "ice40_generic", str(bitstream)]
    assert lines[0].startswith("programming: ")


def test_a_failing_loader_is_quoted(tmp_path: Path, monkeypatch) -> None:
    body = '[ "$1" = --version ] && exit\necho "Error: unable to open ftdi device"; exit 1'
    _loader(tmp_path, monkeypatch, body)
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"x")
    with pytest.raises(ToolError, match=r"openFPGALoader ended .*: Error: unable to open ftdi"):
        program(load_board("icebreaker"), bitstream)


def test_a_missing_loader_says_that_building_works_without(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda kind: str(tmp_path))
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"x")
    with pytest.raises(ToolError, match=r"openFPGALoader is missing .*building one works without"):
        program(load_board("icebreaker"), bitstream)


def test_a_board_without_a_programmer_is_refused() -> None:
    board = replace(load_board("icebreaker"), programmer=None)
    with pytest.raises(SpecError, match="names no programmer; set `programmer`"):
        program_command(board, "top.bin")


def test_a_bitstream_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="does not exist; build it first"):
        program(load_board("icebreaker"), tmp_path / "top.bin")
