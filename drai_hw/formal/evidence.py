"""A counterexample for people: numbers, a waveform, and a test that shows it in a simulator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from drai_hw.files import write_together
from drai_hw.formal.btor2 import System
from drai_hw.formal.known import Known, Partly
from drai_hw.formal.machine import Machine
from drai_hw.formal.unit_design import UnitDesign, port_values
from drai_hw.formal.unit_proof import Found
from drai_hw.model.unit_rules import FunctionRule, StateRule, UnitRule

WAVES_FILE = "counterexample.vcd"
TEST_FILE = "test_counterexample.py"
CLOCK_NS = 10

_TEST = Template('''\
"""Counterexample of `drai-hw prove`: $top breaks $says.

Generated files belong to whoever generated them: use, change and license this one as you like.

Run `python $file` (Icarus Verilog and cocotb 2 are needed); it passes once the design is mended.
"""

from pathlib import Path

import cocotb
from cocotb.triggers import Timer

SOURCES = $sources
TOP = "$top"
CLOCK = "$clock"
# One row a clock: the reset, and every input.
ROWS = $rows
# In the last of these clocks these signals ought to be these words.
EXPECTED = $expected


@cocotb.test()
async def the_last_clock_is_what_the_rule_says(dut) -> None:
    """Put in the rows, one a clock, and look at the signals in the last."""
    for row in ROWS:
        getattr(dut, CLOCK).value = 0
        for name, word in row.items():
            getattr(dut, name).value = word
        await Timer($half, "ns")
        got = {name: str(getattr(dut, name).value) for name in EXPECTED}
        getattr(dut, CLOCK).value = 1
        await Timer($half, "ns")
    want = {name: format(word, f"0{len(got[name])}b") for name, word in EXPECTED.items()}
    assert got == want, f"got {got}, expected {want}"


def main() -> None:
    """Compile the design and run the test; the exit status is 1 if it fails."""
    from cocotb_tools.runner import get_results, get_runner

    here = Path(__file__).resolve().parent
    runner = get_runner("icarus")
    runner.build(sources=[here / name for name in SOURCES], hdl_toplevel=TOP, always=True,
                 build_dir=here / "sim_build", timescale=("1ns", "1ps"), parameters=$parameters)
    results = runner.test(hdl_toplevel=TOP, test_module=Path(__file__).stem, test_dir=here,
                          build_dir=here / "sim_build")
    raise SystemExit(1 if get_results(results)[1] else 0)


if __name__ == "__main__":
    main()
''')


@dataclass(frozen=True)
class Evidence:
    """A counterexample, played once more on numbers.

    Parameters
    ----------
    numbers : dict
        Its clocks in the units of the rule: inputs, outputs, what was expected.
    expected : dict of str to int
        Words of the outputs that were wrong, by the unit's names.
    waves : str
        The course of all named signals, as VCD.
    """

    numbers: dict[str, Any]
    expected: dict[str, int]
    waves: str


def played(design: UnitDesign, system: System, rule: UnitRule, found: Found) -> Evidence:
    """Play a counterexample on numbers.

    Parameters
    ----------
    design, system, rule
        What was proven about.
    found : Found
        A refutation.
    """
    outputs = [design.name(port.name) for port in rule.ports if port.output]
    machine = Machine(system, Known(), outputs)
    states = machine.start(reset=True) | found.states
    rows: list[dict[str, Any]] = []
    courses: list[dict[int, Any]] = []
    for clock, given in enumerate(found.trace):
        inputs = {design.name(port.name): given[port.name] for port in rule.inputs}
        inputs |= design.resets(given["reset"]) | {design.clock: 0}
        values = machine.evaluate(states, inputs)
        words = {
            port.name: word for port in rule.ports if port.output
            and isinstance(word := machine.at(values, design.name(port.name)), int)
        }  # fmt: skip
        rows.append({
            "clock": clock,
            "reset": given["reset"],
            "inputs": port_values(rule.ports, {k: v for k, v in given.items() if k != "reset"}),
            "outputs": port_values(rule.ports, words),
        })  # fmt: skip
        courses.append(values)
        states = machine.after(values)
    wanted = _expected(rule, found, rows)
    bits = {port.name: port.bits for port in rule.ports}
    got = rows[found.clock]["outputs"]
    numbers = {
        "rules": found.broken,
        "clock_of_inputs": found.clock - found.latency,
        "clock_of_outputs": found.clock,
        "inputs": rows[found.clock - found.latency]["inputs"],
        "expected": wanted,
        "got": {name: got.get(name) for name in wanted},
        "clocks": rows,
    }
    words = {name: value & ((1 << bits[name]) - 1) for name, value in wanted.items()}
    return Evidence(numbers, words, waveform(system, machine, courses))


def _expected(rule: UnitRule, found: Found, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return the outputs that the integer rule gives in the last clock."""
    first, end = found.clock - found.latency, found.clock
    inputs = rows[first]["inputs"]
    if isinstance(rule, FunctionRule):
        reset = any(row["reset"] for row in rows[first:end])
        valid = int(inputs["en"] and not reset)
        settled = valid and rule.allowed(inputs)
        return {"valid": valid} | (rule.apply(inputs) if settled else {})
    assert isinstance(rule, StateRule)
    if rows[first]["reset"]:
        return rule.observe(rule.reset_state())
    state = rows[first]["outputs"]["phi" if rule.unit == "neuron" else "bits"]
    return rule.observe(rule.next_state(state, inputs))


def write_evidence(
    folder: Path,
    design: UnitDesign,
    there: Collection[str],
    rule: UnitRule,
    found: Found,
    evidence: Evidence,
) -> dict[str, str]:
    """Write waveform and test, with a copy of the design; return their paths.

    Parameters
    ----------
    folder : Path
        Where they go; it is made.
    design, rule, found, evidence
        What was refuted, and how.
    there : collection of str
        The inputs that the design has: ports that a unit may lack are not put in.
    """
    ports = [port for port in rule.inputs if design.name(port.name) in there]
    rows = [
        design.resets(given["reset"]) | {design.name(port.name): given[port.name] for port in ports}
        for given in found.trace
    ]
    return write_files(
        folder, design.files, design.top,
        says=f"this rule of unit {rule.unit}: {'; '.join(found.broken)}", rows=rows,
        expected={design.name(k): v for k, v in evidence.expected.items()},
        waves=evidence.waves, clock=design.clock, parameters=design.parameters,
    )  # fmt: skip


def write_files(
    folder: Path,
    files: Sequence[Path],
    top: str,
    *,
    says: str,
    rows: Sequence[Mapping[str, int]],
    expected: Mapping[str, int],
    waves: str,
    clock: str = "clk",
    parameters: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Write waveform and test of a course from a reset, with a copy of the design.

    Parameters
    ----------
    folder : Path
        Where they go; it is made.
    files : sequence of Path
        The design.
    top : str
        Its top module.
    says : str
        What it breaks: "this rule of ...".
    rows : sequence of dict of str to int
        Words of all inputs but the clock, one row a clock.
    expected : mapping of str to int
        Words that signals of the top module ought to have in the last of these clocks.
    waves : str
        Waveform, see `waveform`.
    clock : str
        The clock.
    parameters : mapping of str to int, optional
        Parameters of the module.

    Returns
    -------
    dict of str to str
        Paths of ``waves`` and ``test``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for number, path in enumerate(files):
        name = f"{number}_{path.name}" if len(files) > 1 else path.name
        shutil.copyfile(path, folder / f".{name}.new")
        (folder / f".{name}.new").replace(folder / name)
        sources.append(name)
    text = _TEST.substitute(
        top=top,
        says=says,
        file=TEST_FILE,
        sources=json.dumps(sources),
        clock=clock,
        rows="[\n" + "".join(f"    {json.dumps(row)},\n" for row in rows) + "]",
        expected=json.dumps(expected),
        half=CLOCK_NS // 2,
        parameters=json.dumps(dict(parameters or {})),
    )
    write_together({folder / WAVES_FILE: waves, folder / TEST_FILE: text})
    return {"waves": str(folder / WAVES_FILE), "test": str(folder / TEST_FILE)}


def waveform(system: System, machine: Machine, courses: list[dict[int, Any]]) -> str:
    """Return the course of all named signals; a clock takes `CLOCK_NS` ns and rises at its end."""
    there = set(machine.order)
    signals = sorted(
        (name, number) for name, number in system.names.items()
        if number in there and "$" not in name and not system.nodes[number].sort.address
    )  # fmt: skip
    lines = ["$timescale 1ns $end", "$scope module counterexample $end", "$var wire 1 ! clk $end"]
    marks: dict[str, tuple[str, int]] = {}
    for place, (name, number) in enumerate(signals):
        if name == "clk":
            continue
        bits = system.nodes[number].sort.bits
        marks[f"s{place}"] = (name, number)
        lines.append(f"$var wire {bits} s{place} {name.replace(' ', '_')} $end")
    lines += ["$upscope $end", "$enddefinitions $end"]
    for clock, values in enumerate(courses):
        lines.append(f"#{clock * CLOCK_NS}")
        lines.append("0!")
        for mark, (_, number) in marks.items():
            lines.append(f"b{_digits(values[number], system.nodes[number].sort.bits)} {mark}")
        lines += [f"#{clock * CLOCK_NS + CLOCK_NS // 2}", "1!"]
    lines.append(f"#{len(courses) * CLOCK_NS}")
    return "\n".join(lines) + "\n"


def _digits(value: Any, bits: int) -> str:
    if isinstance(value, int):
        return format(value, f"0{bits}b")
    assert isinstance(value, Partly)
    return "".join(
        str(value.value >> bit & 1) if value.known >> bit & 1 else "x"
        for bit in reversed(range(bits))
    )
