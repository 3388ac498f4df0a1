"""The rule of limits: devices beyond the voltage, current or power that a netlist allows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.engine import Waves
from drai_hw.spice.lint.cards import Card, Diagnosis, number, read_cards
from drai_hw.spice.lint.disturb import observed
from drai_hw.spice.lint.electrical import nodes_of
from drai_hw.spice.lint.run import analysed
from drai_hw.spice.settings import Floats

UNITS = {"v_max": "V", "i_max": "A", "p_max": "W", "p_mean_max": "W"}
_DIRECTIVE = re.compile(r"^[ \t]*\*limit[ \t]+(\S+)[ \t]*(.*)$", re.IGNORECASE)
_TWO_OF_FOUR = "egst"  # what follows are nodes that control
_GROUND = ("0", "gnd")


@dataclass(frozen=True)
class _Limited:
    """A device with the limits of all lines that name it."""

    card: Card
    place: tuple[int, int]
    pins: tuple[str, ...]
    limits: tuple[tuple[int, str, float], ...]


def limits(text: str, folder: Path | None = None, *, timeout_s: float = 600.0) -> list[Diagnosis]:
    """
    Run a netlist and return its devices that go beyond the limits declared in it.

    A comment ``*limit NAME v_max=5 i_max=10m p_max=0.25 p_mean_max=0.1`` declares any of them;
    NAME is a device outside of subcircuits, or a pattern like ``Rw*``. Voltage: the largest between
    any two pins; current: into any pin; power: into all pins together, at any instant and as the
    mean over the run. Voltage sources of 0 V are put before the pins of a copy to see currents.

    Parameters
    ----------
    text : str
        A netlist with ``.tran``; its ``.save`` lines are not used.
    folder : Path, optional
        Where the files lie that it includes; here if not given.
    timeout_s : float
        Wall-clock limit.

    Raises
    ------
    SpecError
        No transient, no limit, or a limit that cannot be read or names no device.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    cards = read_cards(text)
    devices = _devices(cards, text)
    vectors = set()
    for k, device in enumerate(devices):
        vectors |= {f"v({pin})" for pin in device.pins if pin not in _GROUND}
        vectors |= {f"i({name})" for name in _probe(device, k)}
    probed = "\n".join(line for card in cards for line in card.lines()) + "\n"
    waves = observed(probed, sorted(vectors), folder, "limits", "limits", timeout_s)
    return [found for k, device in enumerate(devices) for found in _judge(device, k, waves)]


def _declared(text: str) -> list[tuple[int, str, dict[str, float]]]:
    found = []
    for line, raw in enumerate(text.splitlines(), start=1):
        match = _DIRECTIVE.match(raw)
        if match is None:
            continue
        given = re.sub(r"\s*=\s*", "=", match[2]).split()
        what = f"line {line}, *limit {match[1]}"
        if not given:
            raise SpecError(f"{what}: needed is one at least of {', '.join(UNITS)}")
        values = {}
        for each in given:
            key, _, word = each.lower().partition("=")
            if key not in UNITS:
                raise SpecError(f"{what}: {each!r}; needed is one of {', '.join(UNITS)} with =")
            value = number(word)
            if value is None or value <= 0:
                raise SpecError(f"{what}: {each!r}; needed is a number above 0 {UNITS[key]}")
            values[key] = value
        found.append((line, match[1].lower(), values))
    if not found:
        raise SpecError("no limit in the netlist: needed is a comment line like *limit R1 v_max=5 "
                        "p_max=0.25")  # fmt: skip
    return found


def _devices(cards: list[Card], text: str) -> list[_Limited]:
    declared = _declared(text)
    found = []
    used: set[int] = set()
    depth = 0
    for card in analysed(cards):
        depth += (card.word in (".subckt", ".macro")) - (card.word in (".ends", ".eom"))
        mine = [] if depth or card.kind == "." else [
            entry for entry in declared if fnmatchcase(card.word, entry[1])
        ]  # fmt: skip
        if not mine:
            continue
        pins = [name for name, _ in nodes_of(card)]
        if card.kind in tuple(_TWO_OF_FOUR):
            pins = pins[:2]
        if not pins:
            raise SpecError(f"line {mine[0][0]}, *limit {card.word}: a device of kind "
                            f"{card.kind.upper()!r} has no pins that are known here; needed is "
                            "another one")  # fmt: skip
        used |= {line for line, _, _ in mine}
        checks = tuple((line, key, value) for line, _, values in mine
                       for key, value in values.items())  # fmt: skip
        found.append(_Limited(card, card.place(0), tuple(pins), checks))
    for line, name, _ in declared:
        if line not in used:
            raise SpecError(f"line {line}, *limit {name}: no device of that name stands outside of "
                            "subcircuits; needed is one")  # fmt: skip
    return found


def _source(k: int, pin: int) -> str:
    return f"vdraihwlimit{k}_{pin}"


def _probe(device: _Limited, k: int) -> list[str]:
    """Put a source of 0 V before each pin if need be; return the sources' names."""
    if all(key == "v_max" for _, key, _ in device.limits):
        return []
    names = []
    # from the last pin on, since each change moves what stands behind it
    for pin, (node, at) in reversed(list(enumerate(nodes_of(device.card)[: len(device.pins)]))):
        name = _source(k, pin)
        device.card.replace(at, at + len(node), f"n{name}")
        device.card.after.append(f"{name} {node} n{name} 0")
        names.append(name)
    return names


def _judge(device: _Limited, k: int, waves: Waves) -> list[Diagnosis]:
    still = np.zeros(waves.time_s.size)
    volt = np.array([
        still if pin in _GROUND else waves.select([f"v({pin})"])[:, 0] for pin in device.pins
    ])  # fmt: skip
    seen: dict[str, Floats] = {"v_max": volt.max(axis=0) - volt.min(axis=0)}
    names = [f"i({_source(k, pin)})" for pin in range(volt.shape[0])]
    if names[0] in waves.columns:
        ampere = waves.select(names).T
        power = (volt * ampere).sum(axis=0)
        span_s = waves.time_s[-1] - waves.time_s[0]
        mean = np.trapezoid(power, waves.time_s) / span_s
        seen |= {"i_max": np.abs(ampere).max(axis=0), "p_max": power,
                 "p_mean_max": np.full_like(power, mean)}  # fmt: skip
    found = []
    name = device.card.text.split()[0]
    for line, key, value in device.limits:
        at = int(seen[key].argmax())
        if seen[key][at] > value:
            when = "over the run" if "mean" in key else f"at {waves.time_s[at]:.4g} s"
            unit = UNITS[key]
            found.append(Diagnosis(
                *device.place, "limit",
                f"{name} has {seen[key][at]:.4g} {unit} {when}: {key} of line {line} is "
                f"{value:.4g} {unit}; take a device that bears it, or lower what it sees", False,
            ))  # fmt: skip
    return found
