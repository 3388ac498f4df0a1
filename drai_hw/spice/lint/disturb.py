"""The rule of read disturb: memristors that must keep their state, by the voltages of a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.lint.cards import Card, Diagnosis, number, read_cards
from drai_hw.spice.lint.run import whole_paths
from drai_hw.spice.memristors import MODELS
from drai_hw.spice.memristors.model import SAFE_SHARE


def disturb(text: str, folder: Path | None = None, *, timeout_s: float = 600.0) -> list[Diagnosis]:
    """
    Run a netlist and return its memristors that see too much voltage to keep their state.

    Every instance of a model of this project outside of subcircuits must keep its state: its
    largest voltage in the transient has to stay below 0.8 of its lower threshold.

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
        No transient, no such memristor, or a parameter that is no number.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    devices = _devices(read_cards(text))
    if not devices:
        raise SpecError(
            f"no memristor of {', '.join(MODELS)} stands in the netlist outside of subcircuits: "
            "needed is one at least whose state is to be kept"
        )
    nodes = sorted({node for _, pair, _ in devices for node in pair} - {"0", "gnd"})
    waves = observed(
        text, [f"v({node})" for node in nodes], folder, "voltages", "disturb", timeout_s
    )
    volt = {node: waves.select([f"v({node})"])[:, 0] for node in nodes}
    volt["0"] = volt["gnd"] = np.zeros(waves.time_s.size)
    found = []
    for card, (plus, minus), (model, changes) in devices:
        across = np.abs(volt[plus] - volt[minus])
        at = int(across.argmax())
        limit_v = SAFE_SHARE * MODELS[model].lower_threshold_v(**changes)
        if across[at] >= limit_v:
            line, column = card.place(0)
            found.append(Diagnosis(
                line, column, "disturb",
                f"{card.text.split()[0]} sees {across[at]:.4g} V at {waves.time_s[at]:.4g} s: to "
                f"keep its state {model} needs less than {limit_v:.4g} V ({SAFE_SHARE:g} of its "
                "lower threshold); lower the amplitude, put devices in series, or take a device "
                "with a higher threshold", False,
            ))  # fmt: skip
    return found


def _devices(cards: list[Card]) -> list[tuple[Card, tuple[str, str], tuple[str, dict[str, float]]]]:
    found = []
    depth = 0
    for card in cards:
        if card.word in (".subckt", ".macro"):
            depth += 1
        elif card.word in (".ends", ".eom"):
            depth = max(0, depth - 1)
        elif card.kind == "x" and depth == 0:
            plain = re.sub(r"\s*=\s*", "=", re.sub(r"\bparams:", "", card.text, flags=re.I)).lower()
            words = [word for word in plain.split() if "=" not in word]
            if len(words) == 4 and words[3] in MODELS:
                changes = dict(word.split("=", 1) for word in plain.split() if "=" in word)
                numbers = {name: _number(card, name, value) for name, value in changes.items()}
                numbers.pop("x0", None)  # no threshold depends on the start
                found.append((card, (words[1], words[2]), (words[3], numbers)))
    return found


def _number(card: Card, name: str, value: str) -> float:
    found = number(value)
    if found is None:
        raise SpecError(
            f"{card.text.split()[0]}: {name} = {value!r}; needed is a number, or its threshold is "
            "not known"
        )
    return found


def observed(
    text: str, vectors: list[str], folder: Path | None, what: str, name: str, timeout_s: float
) -> Waves:
    """Run the transient of a netlist and return these vectors, or say that there is none."""
    if not re.search(r"^\s*\.tran\b", text, re.IGNORECASE | re.MULTILINE):
        raise SpecError(f"no .tran line in the netlist: needed is a transient, to see its {what}")
    return simulate(
        measured(text, vectors, folder or Path()), stop_s=0.0, expected_points=1,
        vectors=len(vectors), name=name, timeout_s=timeout_s,
    )  # fmt: skip


def measured(text: str, vectors: list[str], folder: Path) -> str:
    """Return the netlist saving these vectors only, its included files by their whole path."""
    text = re.sub(r"^\s*\.(?:save|probe)\b.*\n?", "", text, flags=re.IGNORECASE | re.MULTILINE)
    text = whole_paths(text, folder)
    saved = "\n".join(f".save {vector}" for vector in vectors)
    return re.sub(
        r"^(\s*\.tran\b)", f"{saved}\n\\1", text, count=1, flags=re.IGNORECASE | re.MULTILINE
    )
