"""A buffer that reads an oscillator: what its input does, and what it takes from a supply."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.spread.circuits import Corner, RingSort, Sort, TankSort
from drai_hw.spice.spread.deviate import Mismatch
from drai_hw.spice.spread.dies import Die, alone, late_mean, pair

COUPLING_RATIO = 50.0
"""Capacitor before an input resistor over the node's own: the input is coupled for alternating
current."""
FIRST, SECOND, OUT_F = 0.5, 2.0, 20e-15
"""Widths of a buffer's two inverters over a stage's, and what it drives."""


@dataclass(frozen=True)
class Load:
    """
    An input at each side of each oscillator.

    Parameters
    ----------
    farad : float
        Its capacitance, at least 0.
    ohm : float or None
        Its resistance, for alternating current; None for none.
    """

    farad: float = 0.0
    ohm: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.farad) and self.farad >= 0):
            raise SpecError(
                f"farad = {self.farad!r}: needed is an input capacitance of 0 F or more"
            )
        if self.ohm is not None and not (math.isfinite(self.ohm) and self.ohm > 0):
            raise SpecError(f"ohm = {self.ohm!r}: needed is an input resistance above 0, or None")

    def applied(self, text: str, sort: Sort) -> str:
        """Return a netlist in which the read nodes of all oscillators have it."""
        lines = []
        for node, volt, own_f in _read_nodes(text, sort):
            if self.farad > 0:
                lines.append(f"Cin_{node} {node} 0 {self.farad!r} ic={volt!r}")
            if self.ohm is not None:
                large_f, rest_v = COUPLING_RATIO * own_f, _rest_v(sort)
                lines.append(f"Cac_{node} {node} ac_{node} {large_f!r} ic={rest_v!r}")
                lines.append(f"Rin_{node} ac_{node} 0 {self.ohm!r}")
        return _before_options(text, lines)


def _rest_v(sort: Sort) -> float:
    """Return the mean voltage of a read node."""
    supply_v = sort.supply_v(Corner())
    return supply_v if isinstance(sort, TankSort) else 0.5 * supply_v


def _read_nodes(text: str, sort: Sort) -> list[tuple[str, float, float]]:
    """Return read nodes with the voltage that they start from and their own capacitor."""
    stage = "_0" if isinstance(sort, RingSort) else ""
    found = re.findall(rf"^C[pn]\d+{stage} ([pn]\d+{stage}) 0 (\S+) ic=(\S+)$", text, re.MULTILINE)
    return [(node, float(volt), float(farad)) for node, farad, volt in found]


def _before_options(text: str, lines: list[str]) -> str:
    if not lines:
        return text
    return text.replace("\n.options", "\n" + "\n".join(lines) + "\n.options", 1)


def buffered(text: str, sort: RingSort, out_f: float = OUT_F) -> str:
    """
    Return a netlist of rings with two inverters at each read node, on a supply of their own.

    Parameters
    ----------
    text : str
        The netlist.
    sort : RingSort
        Its transistors.
    out_f : float
        Capacitor that each buffer drives.
    """
    some, supply_v = sort.rings.transistors, sort.supply_v(Corner())
    lines = [f"Vbuf vbuf 0 {supply_v!r}", ".save i(vbuf)"]
    for node, volt, _ in _read_nodes(text, sort):
        at_v = (supply_v - volt, volt)
        stages = ((node, f"m_{node}", FIRST), (f"m_{node}", f"o_{node}", SECOND))
        for (gate, drain, share), start_v in zip(stages, at_v, strict=True):
            inverter = some.inverter(f"b{drain}", gate, drain, share=share)
            lines += [line.replace(" vdd vdd ", " vbuf vbuf ") for line in inverter]
            farad = out_f if drain.startswith("o_") else 1e-15
            lines.append(f"Cb{drain} {drain} 0 {farad!r} ic={start_v!r}")
    return _before_options(text, lines)


@dataclass(frozen=True)
class Loaded:
    """
    Hold what a load changes, measured and by closed form: each over the unloaded value, less 1.

    Parameters
    ----------
    circuit : str
        Which.
    farad, ohm : float or None
        The load.
    frequency, amplitude, pull : tuple of (float, float or None)
        In ngspice, and by the closed form where there is one.
    lag_rad : tuple of float
        Without and with the load.
    """

    circuit: str
    farad: float
    ohm: float | None
    frequency: tuple[float, float | None]
    amplitude: tuple[float, float | None]
    pull: tuple[float, float | None]
    lag_rad: tuple[float, float]


def closed(sort: Sort, load: Load) -> tuple[float, float | None, float | None]:
    """
    Return relative changes of frequency, amplitude and pull by closed form.

    A tank: ``C + C_in`` in frequency (root) and pull, ``R`` in parallel with ``2 R_in`` in the
    amplitude that the tail current makes. A ring of N stages: one of them has ``C + C_in``, so
    its period is longer by ``C_in/(N C)``; no closed form for its amplitude and for a resistor.
    """
    if isinstance(sort, TankSort):
        tank = sort.tanks.tank
        more = 1.0 + load.farad / tank.capacitance_f
        ohm = tank.parallel_ohm
        held = 1.0 if load.ohm is None else 2.0 * load.ohm / (2.0 * load.ohm + ohm)
        return more**-0.5 - 1.0, held - 1.0, 1.0 / more - 1.0
    assert isinstance(sort, RingSort)
    from drai_hw.spice.drawn import capacitance_f

    own_f = capacitance_f(sort.rings)
    return 1.0 / (1.0 + load.farad / (sort.rings.stages * own_f)) - 1.0, None, None


def loaded(sort: Sort, load: Load) -> Loaded:
    """Measure two nominal oscillators with a load at each side, and without."""
    plain = Die(sort, Corner(), Mismatch(scale=0.0), 0)
    heavy = Die(sort, Corner(), Mismatch(scale=0.0), 0, lambda text: load.applied(text, sort))

    def seen(die: Die) -> dict[str, Any]:
        found = alone(die)
        return {**found, **pair(die, found["frequency_hz"])}

    before, after = seen(plain), seen(heavy)
    # pull counts in the angular frequency, which the load changes, too
    before["w"], after["w"] = (each["pull"] * each["frequency_hz"] for each in (before, after))
    frequency, amplitude, pull = closed(sort, load)

    def change(name: str) -> float:
        return float(after[name] / before[name] - 1.0)

    return Loaded(
        circuit=sort.name, farad=load.farad, ohm=load.ohm,
        frequency=(change("frequency_hz"), frequency),
        amplitude=(change("amplitude_v"), amplitude),
        pull=(change("w"), pull),
        lag_rad=(float(before["lag_rad"]), float(after["lag_rad"])),
    )  # fmt: skip


@dataclass(frozen=True)
class Buffer:
    """
    Hold what buffers of two inverters at both sides of a ring do and take.

    Parameters
    ----------
    circuit : str
        Which.
    out_f : float
        Capacitor that each drives.
    supply_j, closed_j : float
        From the buffers' supply for an oscillator and period, and ``2 C VDD^2`` of the outputs.
    ring_j : float
        What the ring takes in a period.
    frequency : float
        Change of the ring's frequency, relative.
    """

    circuit: str
    out_f: float
    supply_j: float
    closed_j: float
    ring_j: float
    frequency: float


def buffer(sort: RingSort, out_f: float = OUT_F) -> Buffer:
    """Run two rings with buffers and without."""
    plain = alone(Die(sort, Corner(), Mismatch(scale=0.0), 0))
    die = Die(sort, Corner(), Mismatch(scale=0.0), 0, lambda text: buffered(text, sort, out_f))
    seen = alone(die)
    waves = die.waves(np.zeros((2, 2)), np.array([0.0, 2.6]), 40)
    supply_v = sort.supply_v(Corner())
    power_w = -supply_v * waves.select(["i(vbuf)"])[:, 0]
    together_hz = seen["frequency_hz"] * (2.0 + seen["detuning"])
    return Buffer(
        circuit=sort.name,
        out_f=out_f,
        supply_j=late_mean(waves, power_w) / together_hz,
        closed_j=2.0 * out_f * supply_v**2,
        ring_j=seen["energy_per_cycle_j"],
        frequency=seen["frequency_hz"] / plain["frequency_hz"] - 1.0,
    )
