"""Draw the components of a netlist: every element deviates from its nominal value by itself."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError

_PASSIVE = re.compile(r"^([CLR])(\S+) (\S+) (\S+) (\S+)(.*)$", re.IGNORECASE)
_MOSFET = re.compile(r"^(M\S+) (\S+ \S+ \S+ \S+) (\S+) (.*)$", re.IGNORECASE)
_MODEL = re.compile(r"^\.model (\S+) (.*)$", re.IGNORECASE)
_KEY = re.compile(r"\b(vto|kp|w|l) ?= ?([-+0-9.e]+)", re.IGNORECASE)
LARGEST_SCALE = 20.0


@dataclass(frozen=True)
class Mismatch:
    """
    Hold standard deviations of components, all multiplied by ``scale``.

    Parameters
    ----------
    capacitor, inductor, resistor : float
        Relative, of every such element.
    threshold_v_m, gain_m : float
        Threshold and relative gain of a transistor times the root of its gate's area. The defaults
        are those of gf180mcu's 3.3 V n-type transistor.
    scale : float
        0 for nominal components, up to 20.

    References
    ----------
    M. J. M. Pelgrom et al., IEEE J. Solid-State Circuits 24 (1989) 1433; gf180mcu models, Apache
    2.0: ``par_vth``, ``par_k`` of ``nfet_03v3``, each device with 0.7071 of them.
    """

    capacitor: float = 0.001
    inductor: float = 0.001
    resistor: float = 0.01
    threshold_v_m: float = 0.7071 * 7.148e-9
    gain_m: float = 0.7071 * 7.008e-9
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("capacitor", "inductor", "resistor", "threshold_v_m", "gain_m"):
            value = getattr(self, name)
            if not 0 <= value <= 0.2:
                raise SpecError(f"{name} = {value!r}: needed is a deviation from 0 to 0.2")
        if not 0 <= self.scale <= LARGEST_SCALE:
            raise SpecError(f"scale = {self.scale!r}: needed is 0 to {LARGEST_SCALE:g}")


def deviate(text: str, mismatch: Mismatch, seed: int) -> str:
    """
    Return a netlist with drawn components.

    An element's deviation follows from the seed and its name: what several netlists have in common
    deviates alike. Capacitors, inductors, resistors and level-1 transistors deviate (each of these
    gets a model card of its own); models of gf180mcu draw theirs themselves, from the same seed.
    Everything else stays.

    Parameters
    ----------
    text : str
        The netlist; a value is a plain number.
    mismatch : Mismatch
        How far.
    seed : int
        Of the draws.

    Raises
    ------
    SpecError
        A value would not be above 0.
    """
    if mismatch.scale == 0:
        return text
    relative = {"c": mismatch.capacitor, "l": mismatch.inductor, "r": mismatch.resistor}
    lines = text.splitlines()
    cards = {
        found[1].lower(): found[2] for line in lines
        if (found := _MODEL.match(line)) and _KEY.search(found[2])
    }  # fmt: skip
    made = []
    for line in lines:
        if passive := _PASSIVE.match(line):
            letter, name, first, second, value, rest = passive.groups()
            sigma = mismatch.scale * relative[letter.lower()]
            factor = 1.0 + sigma * _normal(seed, letter + name, 0)
            drawn = _above_0(float(value) * factor, letter + name)
            line = f"{letter}{name} {first} {second} {drawn:.12g}{rest}"
        elif (transistor := _MOSFET.match(line)) and transistor[3].lower() in cards:
            name, nodes, model, size = transistor.groups()
            made.append(_own_card(name, cards[model.lower()], size, mismatch, seed))
            line = f"{name} {nodes} of_{name.lower()} {size}"
        made.append(line)
        if line.lower().startswith(".lib "):
            made.append(f".param sw_stat_mismatch={mismatch.scale!r}")
            made.append(f".option seed={seed + 1}")
    return "\n".join([*made, ""])


def _normal(seed: int, name: str, stream: int) -> float:
    key = [seed, zlib.crc32(name.lower().encode()), stream]
    return float(np.random.default_rng(key).standard_normal())


def _above_0(value: float, name: str) -> float:
    if not value > 0:
        raise SpecError(f"{name} became {value:.3g}: needed is a value above 0; lower the mismatch")
    return value


def _own_card(name: str, card: str, size: str, mismatch: Mismatch, seed: int) -> str:
    sizes = {key.lower(): float(value) for key, value in _KEY.findall(size)}
    root_m = math.sqrt(sizes["w"] * sizes["l"])
    threshold_v = mismatch.scale * mismatch.threshold_v_m / root_m * _normal(seed, name, 1)
    gain = 1.0 + mismatch.scale * mismatch.gain_m / root_m * _normal(seed, name, 2)

    def drawn(found: re.Match[str]) -> str:
        key, value = found[1].lower(), float(found[2])
        if key == "vto":
            return f"vto={value + threshold_v:.9g}"
        return f"kp={_above_0(value * gain, name):.9g}" if key == "kp" else found[0]

    return f".model of_{name.lower()} {_KEY.sub(drawn, card)}"
