"""From the step in which a core and the twin differ to the rule that was broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.machine import Passes
from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.model.unit_rules import FunctionRule, UnitRule, rule_of
from drai_hw.sim.core_failure.mistakes import mistaken_twins
from drai_hw.sim.core_failure.step import Arrays, Failing, OpenTwin, replayed, seen
from drai_hw.sim.units.suspects import Finding, Suspect, suspects_of

MOST_PAIRS = 4096
"""Pairs on which a mistake of the synapse is tried: those that differ, and others beside them."""

MOST_TWIN_SLOTS = 256
"""Largest network on which all mistakes of a whole core are tried; more takes minutes."""


@dataclass(frozen=True)
class _Places:
    """Values of one kind that are judged: where, and what was seen there."""

    name: str
    where: tuple[NDArray[np.int64], ...]
    got: NDArray[np.int64]
    right: NDArray[np.int64]

    @property
    def differs(self) -> NDArray[np.bool_]:
        return self.got != self.right


def diagnose(failing: Failing, *, most: int = 3) -> list[Finding]:
    """Return the mistakes that explain what was seen, the best first.

    A mistake that reproduces everything that was seen is certain; if there is one, only such are
    returned. Else those are returned that explain a part of the differences and contradict nothing
    that the right rule explains.

    Parameters
    ----------
    failing : Failing
        The step, and those before it.
    most : int
        Findings at most.
    """
    right = replayed(failing, Twin(failing.formats), 1)
    assert right is not None  # a single step has nothing before it
    places = _places(right, failing.got)
    found: dict[tuple[str, str], Finding] = {}
    for rule, words, state in _predictions(failing, right, places):
        finding = _judged(rule, words, state, places)
        known = found.get((rule, words))
        if finding.explained and (known is None or finding.explained > known.explained):
            found[rule, words] = finding
    certain = [item for item in found.values() if item.certain]
    if certain:
        return certain[:most]
    harmless = [item for item in found.values() if not item.contradicted]
    return sorted(harmless, key=lambda item: -item.explained)[:most]


def _places(right: Arrays, got: Arrays) -> list[_Places]:
    out = []
    for name, values in right.items():
        differ = np.argwhere(got[name] != values)
        others = np.argwhere(got[name] == values)
        if len(others) + len(differ) > MOST_PAIRS:
            differ = differ[: MOST_PAIRS // 2]
            others = others[:: max(1, len(others) // (MOST_PAIRS - len(differ)))]
        where = tuple(np.concatenate([differ, others]).T)
        out.append(_Places(name, where, got[name][where], values[where]))
    return out


def _judged(rule: str, words: str, state: Arrays, places: list[_Places]) -> Finding:
    explained = of = contradicted = 0
    for item in places:
        own = state.get(item.name)
        own = item.right if own is None else own[item.where]
        fits = own == item.got
        of += int(item.differs.sum())
        explained += int((item.differs & fits).sum())
        contradicted += int((~item.differs & ~fits).sum())
    return Finding(rule, words, explained, of, contradicted)


def _predictions(
    failing: Failing, right: Arrays, places: list[_Places]
) -> Iterator[tuple[str, str, Arrays]]:
    """Yield rule, words and the state after the step, of each mistake that is tried."""
    passes = failing.last.passes
    differ = {item.name for item in places if item.differs.any()}
    if passes.coupled and passes.learn and "weight" in differ:
        pairs = next(item for item in places if item.name == "weight")
        yield from _of_synapse(failing, right, pairs)
    if passes.coupled and {"theta", "frequency"} & differ:
        yield from _of_update(failing)
    if failing.formats.slots > MOST_TWIN_SLOTS:
        return
    for rule, words, make in mistaken_twins(failing.formats):
        for count in {1, len(failing.steps)}:
            state = replayed(failing, make(failing.formats), count)
            if state is not None:
                yield rule, words, state


def _mistakes(rule: UnitRule) -> Iterator[tuple[Suspect, FunctionRule]]:
    """Yield what is known of a unit's mistakes that show in a single sample."""
    for suspect in suspects_of(rule):
        if suspect.make is not None:
            mistaken = suspect.make(rule.formats)
            if isinstance(mistaken, FunctionRule):
                yield suspect, mistaken


def _samples(inputs: Arrays) -> list[dict[str, int]]:
    """Return what a unit was given, sample by sample."""
    rows = zip(*(values.tolist() for values in inputs.values()), strict=True)
    return [dict(zip(inputs, row, strict=True)) for row in rows]


def _of_synapse(
    failing: Failing, right: Arrays, pairs: _Places
) -> Iterator[tuple[str, str, Arrays]]:
    rule = rule_of("synapse", failing.formats)
    inputs = OpenTwin.at_couple(failing.formats, failing.last).pair_inputs()
    used = inputs["en"][pairs.where].astype(bool)
    where = tuple(axis[used] for axis in pairs.where)
    samples = _samples({name: values[where] for name, values in inputs.items()})
    lanes = np.unique(pairs.where[1][pairs.differs])
    for suspect, mistaken in _mistakes(rule):
        words = right["weight"].copy()
        words[where] = [mistaken.apply(v)["w_out"] for v in samples]
        yield suspect.rule, suspect.words, {"weight": words}
        if len(lanes) < failing.formats.lanes:
            some = right["weight"].copy()
            some[:, lanes] = words[:, lanes]
            named = ", ".join(map(str, lanes))
            yield suspect.rule, f"in lane {named} only: {suspect.words}", {"weight": some}


def _of_update(failing: Failing) -> Iterator[tuple[str, str, Arrays]]:
    rule = rule_of("update", failing.formats)
    inputs = OpenTwin.at_couple(failing.formats, failing.last).oscillator_inputs()
    samples = _samples(inputs)
    for suspect, mistaken in _mistakes(rule):
        twin = OpenTwin.at_couple(failing.formats, failing.last)
        twin.moved_by(np.array([mistaken.apply(v)["inc"] for v in samples]))
        moved = seen(twin)
        kinds = [name for name in ("theta", "frequency") if name in moved]
        yield suspect.rule, suspect.words, {name: moved[name] for name in kinds}


def inputs_of(failing: Failing, what: str, index: object) -> dict[str, int]:
    """Return what the unit behind a differing value was given; nothing where there is no unit.

    Parameters
    ----------
    failing : Failing
        The step.
    what, index
        As in the record of a difference: theta or frequency and an oscillator, weight and a pair.
    """
    passes: Passes = failing.last.passes
    if not passes.coupled:
        return {}
    twin = OpenTwin.at_couple(failing.formats, failing.last)
    if what in ("theta", "frequency") and isinstance(index, int):
        columns = {"phi": twin.theta, **twin.oscillator_inputs()}
        where: tuple[int, ...] = (index,)
    elif what == "weight" and passes.learn and isinstance(index, list):
        columns = twin.pair_inputs()
        where = _slot_of(failing, index)
    else:
        return {}
    return {name: int(values[where]) for name, values in columns.items() if name != "en"}


def _slot_of(failing: Failing, pair: list[int]) -> tuple[int, ...]:
    s = schedule(failing.formats.lanes, failing.formats.pages)
    found = np.argwhere((s.i == pair[0]) & (s.j == pair[1]) & s.used)
    return tuple(int(k) for k in found[0])
