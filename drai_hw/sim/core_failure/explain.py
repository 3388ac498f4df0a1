"""All that is known of the first difference of a core, as plain data, and in a designer's words."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drai_hw.model.twin import Twin
from drai_hw.sim.core_failure.diagnose import diagnose, inputs_of
from drai_hw.sim.core_failure.shrink import CoreShrinker
from drai_hw.sim.core_failure.step import Failing, replayed, seen
from drai_hw.sim.units.suspects import Finding

if TYPE_CHECKING:
    from drai_hw.sim.mirror import MirroredMachine

KEPT_STEPS = 16
"""Steps of a run that are kept for its explanation."""

_KEPT_BYTES = 1 << 28

_BESIDES = {
    "visited": ("event counter", "pairs visited"),
    "gated_on": ("event counter", "pairs whose gates were open"),
    "written": ("event counter", "pairs with an event"),
    "changed": ("event counter", "weights that changed"),
    "steps done": ("step counter", "steps done since power-up, empty ones included"),
}
"""Rule and meaning of what is read as a register."""


def keep_history(machine: MirroredMachine) -> None:
    """Let a machine keep what `explain` needs: as many steps as memory is worth it."""
    slots = machine.formats.slots
    machine.history = deque(maxlen=max(1, min(KEPT_STEPS, _KEPT_BYTES // (16 * slots**2))))


def explain(machine: MirroredMachine, *, shorten: bool = True) -> dict[str, Any]:
    """Return what is known of the first difference that a machine has come upon.

    Tries simpler runs on the machine, so what it counts goes on: take the counts before.

    Parameters
    ----------
    machine : MirroredMachine
        Its ``history`` was kept, and it has stopped at a difference.
    shorten : bool
        Look for a shorter failure, too.

    Returns
    -------
    dict
        ``passes`` and ``inputs`` of what differs, ``rule``, ``words``, ``certain``, ``suspects``
        and ``shortest`` (see `Attempt.record`; None where the failure does not come again).
    """
    first = machine.board.mismatches[0]
    what, index = first["what"], first["index"]
    out: dict[str, Any] = {
        "passes": [], "inputs": {}, "rule": "unknown", "words": "", "certain": False,
        "suspects": [], "shortest": None,
    }  # fmt: skip
    kinds = seen(machine.board.twin)
    if not machine.history or what not in kinds:
        out["rule"], out["words"] = _of_register(what)
        return out
    failing = Failing(machine.formats, list(machine.history), machine.board.got)
    passes = failing.last.passes
    names = ("field", "census", "couple", "learn", "edge")
    out["passes"] = [name for name in names if getattr(passes, name)]
    out["inputs"] = inputs_of(failing, what, index)
    findings = diagnose(failing)
    attempt = None
    if shorten and machine.formats.replicas == 1:
        named = [index] if isinstance(index, int) else list(index)
        attempt = CoreShrinker(machine).shortest(failing.steps, named)
    if attempt is not None:
        out["shortest"] = attempt.record()
        if not _certain(findings):
            # After a reset nothing is hidden: streams, sweep and ramp are at their beginning.
            simple = Failing(machine.formats, list(machine.history), machine.board.got)
            again = diagnose(simple)
            findings = again if _certain(again) or not findings else findings
    out["certain"] = _certain(findings)
    out["rule"] = findings[0].rule if findings else "unknown"
    out["words"] = findings[0].told if findings else _unexplained(failing)
    out["suspects"] = [finding.record() for finding in findings]
    return out


def _certain(findings: Sequence[Finding]) -> bool:
    return bool(findings) and findings[0].certain


def _of_register(what: str) -> tuple[str, str]:
    """Return rule and words for what is no part of the state."""
    if what in _BESIDES:
        rule, meaning = _BESIDES[what]
        return rule, f"{meaning}: the register has another number"
    if what.startswith("read "):
        return "host read", "the state was right; what the host reads of it over the bus is not"
    if what.startswith("status"):
        return "status", "STATUS after accesses that have to be refused, or after a reset"
    return "unknown", f"{what} differs"


def _unexplained(failing: Failing) -> str:
    """Describe differences that no known mistake explains."""
    right = replayed(failing, Twin(failing.formats), 1)
    assert right is not None
    parts = []
    for name, values in right.items():
        wrong = failing.got[name] != values
        if not wrong.any():
            continue
        flips = int(np.bitwise_or.reduce(np.atleast_1d((failing.got[name] ^ values)[wrong])))
        bits = [k for k in range(max(1, flips.bit_length())) if flips >> k & 1] if flips > 0 else []
        text = f"{int(wrong.sum())} of {wrong.size} values of {name}"
        parts.append(text + (f", bits {', '.join(map(str, bits))}" if bits else ""))
    return "no known mistake explains it: " + "; ".join(parts)


def first_in_words(first: Mapping[str, Any]) -> str:
    """Return the first difference in a line."""
    return (
        f"step {first['step']}: {first['what']} of {first['index']} is {first['got']}, expected "
        f"{first['expected']}"
    )


def in_words(failure: Mapping[str, Any]) -> list[str]:
    """Return what a designer wants to know of the first difference, line by line."""
    lines = [f"broken rule  {failure['rule']}: {failure['words']}"]
    others = [x for x in failure["suspects"][1:] if failure["certain"]]
    lines += [f"or           {x['rule']}: {x['words']}" for x in others]
    if failure["passes"]:
        lines.append(f"in a step    of {' and '.join(failure['passes'])}")
    if failure["inputs"]:
        lines.append(f"inputs       {_pairs(failure['inputs'])}")
    if failure["shortest"]:
        lines += _shortest(failure["shortest"])
    return lines


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _shortest(short: Mapping[str, Any]) -> list[str]:
    count = short["steps"]
    lines = [
        f"shortest     {count} step{'s' * (count != 1)} of {' and '.join(short['passes'])} after a "
        f"reset, {len(short['active'])} active"
    ]

    def line(what: str, words: Sequence[str], most: int = 6) -> None:
        if words:
            more = f" ... {len(words) - most} more" if len(words) > most else ""
            lines.append(f"             {what} {' '.join(words[:most])}{more}")

    line("registers", [f"{k}={v}" for k, v in short["settings"].items()], 12)
    line("phases", [f"{k}:{v}" for k, v in short["phases"].items()])
    line("tuning words", [f"{k}:{v}" for k, v in short["tuning_words"].items()])
    line("inputs", [f"{k}:{short['input_phases'].get(k, 0)}x{v}"
                    for k, v in short["input_strengths"].items()])  # fmt: skip
    line("clamped", [str(k) for k in short["clamped"]])
    line("weights", [f"{i},{j}:{w}" for i, j, w in short["weights"]])
    return lines
