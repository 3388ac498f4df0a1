"""Proofs by name: units against their rules, properties of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.formal import deadlock, frames, pairs, sums, weights_range
from drai_hw.formal.design import Design, own_design
from drai_hw.formal.evidence import played, write_evidence
from drai_hw.formal.frame_play import written_down
from drai_hw.formal.outcome import REFUTED, UNKNOWN, Outcome, OutOfTimeError, UndecidedError
from drai_hw.formal.solver import Clock
from drai_hw.formal.unit_design import UnitDesign, discovered_latency, read_unit
from drai_hw.formal.unit_proof import prove_unit
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import rule_of
from drai_hw.rtl.emit_unit import unit_name, unit_texts

Proof = Callable[[Design, Clock], Outcome]

PROPERTIES: dict[str, tuple[Proof, str]] = {
    "weights-in-range": (weights_range.prove, "weights never leave their range"),
    "pairs-once": (pairs.prove, "every unordered pair is visited exactly once in a pass"),
    "sums-to-zero": (sums.prove, "the sums of an antisymmetric coupling add up to zero"),
    "no-deadlock": (deadlock.prove, "the sequencer cannot stop: every run ends"),
    "frames-checked": (frames.prove, "the bridge accepts no frame whose checksum is wrong"),
}
"""Properties of the core: what proves them, and their sentence."""


@contextmanager
def own_unit(unit: str, formats: Formats) -> Iterator[UnitDesign]:
    """Write a unit of the core and yield it as a design."""
    name = unit_name(unit)
    text = unit_texts(unit, formats, command="drai-hw prove")[f"{name}.v"]
    with TemporaryDirectory(prefix="drai-hw-unit-") as scratch:
        path = Path(scratch) / f"{name}.v"
        path.write_text(text, encoding="utf-8")
        yield UnitDesign((path,), name)


def unit_result(
    unit: str,
    formats: Formats,
    design: UnitDesign | None,
    *,
    latency: int | None,
    limit_s: float,
    folder: Path,
) -> dict[str, Any]:
    """Prove or refute that a unit does what its rule says.

    Parameters
    ----------
    unit : str
        Name of the unit.
    formats : Formats
        Formats and features of the network.
    design : UnitDesign or None
        The unit; None for that of the core.
    latency : int or None
        Clocks from inputs to outputs; None: found out.
    limit_s : float
        Time limit, seconds.
    folder : Path
        Where waveform and test of a counterexample go.

    Raises
    ------
    SpecError
        The interface does not fit.
    """
    rule = rule_of(unit, formats)
    with ExitStack() as stack:
        if design is None:
            design = stack.enter_context(own_unit(unit, formats))
        system = read_unit(design, rule, limit_s)
        if latency is None:
            latency = discovered_latency(design, system, rule) if rule.pipeline else 1
        clock = Clock(limit_s)
        found = prove_unit(design, system, rule, latency, clock)
        counterexample: dict[str, Any] | None = None
        if found.status == REFUTED:
            evidence = played(design, system, rule, found)
            there = set(system.inputs.values())
            files = write_evidence(folder, design, there, rule, found, evidence)
            counterexample = evidence.numbers | {"files": files}
    return {
        "proof": f"unit {unit}",
        "says": f"{design.top} does what the rule of unit {unit} says",
        "status": found.status,
        "method": found.method,
        "scope": "all inputs in all clocks, from any state",
        "reason": found.reason or "; ".join(found.broken),
        "latency": found.latency,
        "rules": found.rules,
        "counterexample": counterexample,
        "seconds": round(clock.seconds, 3),
    }


def property_result(
    name: str,
    formats: Formats,
    design: Design | None,
    *,
    limit_s: float,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Prove or refute a property of the core.

    Parameters
    ----------
    name : str
        One of `PROPERTIES`.
    formats : Formats
        Formats and geometry of the network.
    design : Design or None
        The core, of ``frames-checked`` the bridge; None for what `drai-hw rtl` writes.
    limit_s : float
        Time limit, seconds.
    folder : Path, optional
        Where waveform and test of a counterexample go; those that are a course of clocks have them.

    Raises
    ------
    SpecError
        There is no such property, or the design lacks what it is about.
    """
    if name not in PROPERTIES:
        raise SpecError(f"property {name!r}: known are {', '.join(PROPERTIES)}")
    proof, sentence = PROPERTIES[name]
    clock = Clock(limit_s)
    with ExitStack() as stack:
        if design is None:
            own = frames.own_bridge if name == "frames-checked" else own_design
            design = stack.enter_context(own(formats))
        try:
            outcome = proof(design, clock)
        except OutOfTimeError as error:
            reason = f"the time limit of {limit_s:g} s is over: {error}"
            outcome = Outcome(UNKNOWN, "not finished", "none", reason)
        except UndecidedError as error:
            outcome = Outcome(UNKNOWN, "not finished", "none", str(error))
        found = outcome.counterexample
        if folder and outcome.status == REFUTED and found and "clocks" in found:
            found["files"] = written_down(design, folder, outcome.reason, found)
    record = outcome.record()
    return {"proof": name, "says": sentence, **record, "seconds": round(clock.seconds, 3)}
