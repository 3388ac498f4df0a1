"""Verilog of a user, damaged or hostile: one message and a status within the time limit."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from drai_hw import processes
from drai_hw.cli import run
from drai_hw.formal.wrong_units import right
from drai_hw.model.unit_ports import UNITS
from tests.fuzzing import damaged_bytes

NEURON = right("neuron")


def with_body(lines: str) -> str:
    """Return a right neuron with lines of somebody else in it."""
    return NEURON.replace("endmodule\n", f"{lines}\nendmodule\n")


# What a reader, a compiler or a simulator may trip over; the text that says so on Icarus.
HOSTILE: dict[str, tuple[str, str]] = {
    "nothing wrong": (NEURON, "status 0"),
    "empty": ("", "Unable to find the root module"),
    "zero bytes": ("\0" * 1000, "Unable to find the root module"),
    "another module": ("module other; endmodule\n", "Unable to find the root module"),
    "missing include": (f'`include "no_such.vh"\n{NEURON}', "Include file no_such.vh not found"),
    "includes itself": (f'`include "mine.v"\n{NEURON}', "Include file mine.v not found"),
    "contains itself": (with_body("my_neuron again();"), "can not instantiate module my_neuron"),
    "unclosed port list": ("module my_neuron (", "syntax error"),
    "unclosed comment": (f"/* {NEURON}", "Unable to find the root module"),
    "unclosed ifdef": (f"`ifdef X\n{NEURON}", "lacks an `endif"),
    "brackets": (f"module my_neuron; wire a = {'(' * 50_000}1; endmodule\n", "memory exhausted"),
    "ports too narrow": (NEURON.replace("[15:0]", "[7:0]"), "needs 16|out of range|error"),
    "renamed port": (NEURON.replace("load", "ld"), "missing: input load"),
    "escaped name": (NEURON.replace("my_neuron", "\\my neuron "), "syntax error"),
    "port twice": (NEURON.replace("input rst", "input rst, input rst"), "rst"),
    "ended at once": (with_body("initial $finish;"), "ended the simulation by itself"),
    "ended later": (with_body("initial #200 $finish;"), "ended the simulation by itself"),
    "fatal": (with_body('initial #20 $fatal(1, "no");'), "broke off \\(status 1\\)"),
    "loop at the start": (with_body("initial forever ;"), "no end of the simulation after"),
    "loop without time": (
        with_body("reg a = 0; initial forever begin a = !a; #0; end"),
        "no end of the simulation after",
    ),
    "long loop": (
        with_body("integer i; reg q; initial for (i = 0; i < 2000000000; i = i + 1) q = ~q;"),
        "no end of the simulation after",
    ),
    "prints without end": (
        with_body('initial forever $display("hello");'), "no end of the simulation after"
    ),
    "macro of itself": (f"`define A `A\n`A\n{NEURON}", "still compiling after|of memory"),
    "unrolls without end": (
        with_body("genvar g; generate for (g = 0; g < 1000000000; g = g + 1) begin wire q; end "
                  "endgenerate"),
        "still compiling after",
    ),
    "wires of a megabyte": (NEURON.replace("[15:0]", "[99999999:0]"), ""),
}  # fmt: skip
LIMIT_S = {"icarus": 6.0, "prove": 6.0, "cxxrtl": 40.0, "verilator": 80.0}  # g++ takes its time
QUICK = ("missing include", "brackets", "unclosed ifdef")


def words_for(door: str, unit: str, folder: Path, limit_s: float) -> list[str]:
    """Return the words that put ``mine.v`` of a folder to a front door."""
    common = ["letters", "--unit", unit, "--dut", str(folder / "mine.v"), "--top", f"my_{unit}"]
    common += ["-o", str(folder / "out"), "--json", "--time-limit", f"{limit_s:g}"]
    if door == "prove":
        return ["prove", *common]
    junit = ["--junit", str(folder / "unit.xml")]
    return ["sim", *common, *junit, "--simulator", door, "--samples", "20"]


def judged(door: str, unit: str, content: bytes, folder: Path, capfd, limit_s=6.0) -> str:
    """Put a file to a front door; check what must hold whatever is in it; return what was said."""
    (folder / "mine.v").write_bytes(content)
    (folder / "unit.xml").unlink(missing_ok=True)
    capfd.readouterr()
    status = run(words_for(door, unit, folder, limit_s))
    told, said = capfd.readouterr()
    assert status in (0, 1, 2), said
    assert "Traceback" not in said, said
    assert "fault of drai-hw itself" not in said, said
    assert said.count("drai-hw: error:") == (status == 2), said
    assert len(said) < 20_000, len(said)
    assert "\0" not in said
    if status == 2:
        assert told == ""
        assert not (folder / "unit.xml").exists()
    else:
        outcome = json.loads(told)
        if door == "prove":
            assert (outcome["status"] == "proved") == (status == 0)
        else:
            assert (outcome["mismatches"] == 0) == (status == 0)
            ElementTree.parse(folder / "unit.xml")
    assert [path for path in folder.rglob(".*") if path.name != ".Xil"] == []
    return f"status {status}: {said}"


TOKENS = (r"[A-Za-z_]\w*", r"\d+'[bdh]\w+|\d+", r"[-+*/&|^<>=!~?:]+")


def reworded(rng: random.Random, text: str) -> str:
    """Return a text with a name, a number or an operator in the place of another one."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        found = [*re.finditer(rng.choice(TOKENS), text)]
        old, new = rng.choice(found), rng.choice(found)[0]
        text = text[: old.start()] + new + text[old.end() :]
    return text


def damaged(door: str, count: int, folder: Path, capfd, tally) -> None:
    """Damage right units in so many ways."""
    for seed in range(count):
        rng = random.Random(f"{door} {seed}")
        unit = rng.choice(UNITS)
        text = right(unit)
        still_verilog = rng.random() < 0.6
        content = (
            reworded(rng, text).encode() if still_verilog else damaged_bytes(rng, text.encode())
        )
        # A proof of damaged arithmetic may take as long as it likes: then it ends as unknown.
        said = judged(door, unit, content, folder, capfd, 10.0 if door == "prove" else 300.0)
        tally[said[: len("status 0")]] += 1


@pytest.mark.parametrize("name", QUICK)
def test_what_does_not_compile_is_told(name, tmp_path, capfd):
    text, wanted = HOSTILE[name]
    said = judged("icarus", "neuron", text.encode(), tmp_path, capfd)
    assert said.startswith("status 2"), said
    assert re.search(wanted, said), said


@pytest.mark.full
@pytest.mark.parametrize("door", ["icarus", "verilator", "cxxrtl", "prove"])
def test_hostile_verilog_ends_with_a_message_or_a_verdict(door, tmp_path, capfd, tally):
    for name, (text, wanted) in HOSTILE.items():
        said = judged(door, "neuron", text.encode(), tmp_path, capfd, LIMIT_S[door])
        tally[said[: len("status 0")]] += 1
        if door == "icarus" or name == "nothing wrong":
            assert re.search(wanted, said), (name, said)


@pytest.mark.parametrize(
    ("door", "count"),
    [
        ("icarus", 2),
        pytest.param("icarus", 400, marks=pytest.mark.full),
        pytest.param("verilator", 16, marks=pytest.mark.full),
        pytest.param("cxxrtl", 40, marks=pytest.mark.full),
        pytest.param("prove", 150, marks=pytest.mark.full),
    ],
)
def test_damaged_verilog_ends_with_a_message_or_a_verdict(door, count, tmp_path, capfd, tally):
    damaged(door, count, tmp_path, capfd, tally)
    if count > 2:  # it meets what compiles and what does not
        assert tally["status 2"] >= count // 10
        assert tally["status 0"] + tally["status 1"] >= count // 10


@pytest.mark.full
def test_a_design_that_wants_all_memory_is_ended(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(processes, "MEMORY_BYTES", 1 << 30)
    text = f'`include "/dev/zero"\n{NEURON}'
    said = judged("prove", "neuron", text.encode(), tmp_path, capfd, 60.0)
    assert said.startswith("status 2"), said
    assert "yosys does not accept" in said
