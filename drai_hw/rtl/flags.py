"""What edge passes and censuses add to the update unit: stages of its pipeline, by feature."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed

from drai_hw.model import prng
from drai_hw.model.machine import BUDGET_BITS
from drai_hw.model.numbers import GAIN_BITS, signed_bits
from drai_hw.rtl.prng import Stream
from drai_hw.rtl.timing import WideKind


def threshold(unit: Any, m: Module) -> Any:
    """Return what a sum is compared with, a constant of the pass."""
    f = unit.formats
    if not f.budget:
        return unit.margin
    threshold = Signal(signed(max(f.acc_bits, BUDGET_BITS + 1)), reset_less=True)
    m.d.sync += threshold.eq(Mux(unit.kind == WideKind.BUDGET, unit.budget, unit.margin))
    return threshold


def flag(unit: Any, m: Module, kind: IntEnum, new: Any, old: Any, name: str) -> Any:
    """Return a mark at stage 9: of stage 2 where the pass sets it, else the old of stage 1."""
    kept = unit.later(m, old, 1, f"{name}2")
    mark = Signal(new.shape(), name=f"{name}3", reset_less=True)
    m.d.sync += mark.eq(Mux(unit.kind == kind, new, kept))
    return unit.later(m, mark, 6, f"{name}9")


def lean(unit: Any, m: Module, marks: Any, gained4: Signal) -> Any:
    """Return the lean at stage 9: the sum of a row times CENTRE, rounded at random."""
    f = unit.formats
    m.submodules.census_stream = stream = Stream(f.census_seed, prng.LEAP)
    valid = unit.later(m, unit.valid, 4, "drawn")  # stage 4: the draw is taken and left
    m.d.comb += [
        stream.step.eq(valid & (unit.kind == WideKind.CENTRE)),
        stream.reseed.eq(unit.reseed),
    ]
    most = (((1 << GAIN_BITS) - 1) * f.row_max) + (1 << f.centre_shift)
    x = Signal(signed(signed_bits(-most, most)), name="leaning", reset_less=True)
    half = 1 << f.shift >> 1  # the rounding of the torque
    m.d.sync += x.eq(gained4 - half + stream.state[: f.centre_shift])  # stage 5
    shifted = x >> f.centre_shift
    rounded = Signal(signed(2), reset_less=True)
    m.d.sync += rounded.eq(Mux(shifted > 0, 1, Mux(shifted < 0, -1, 0)))  # stage 6
    kept = unit.later(m, marks.lean, 5, "lean6")
    lean = Signal(signed(2), name="lean7", reset_less=True)
    m.d.sync += lean.eq(Mux(unit.kind == WideKind.CENTRE, rounded, kept))
    return unit.later(m, lean, 2, "lean9")


def edge(
    unit: Any, m: Module, theta: Any, theta8: Signal, marks: Any, inputs: Any, total: Signal
) -> Any:
    """Align the phase at stage 8 in an edge pass; return the mark ``low`` at stage 9."""
    f = unit.formats
    fraction = f.accumulator_bits - f.phase_bits
    edge = unit.kind == WideKind.EDGE
    here = Signal(f.phase_bits, reset_less=True)
    m.d.sync += here.eq(-unit.slot)
    rises = Signal(reset_less=True)
    free = inputs.active & ~inputs.clamp
    m.d.sync += rises.eq(marks.low & (total > 0) & free & (theta[fraction:] != here))
    with m.If(edge & unit.later(m, rises, 5, "rises7")):
        m.d.sync += theta8.eq(here << fraction)
    low = Signal(reset_less=True)
    m.d.sync += low.eq(Mux(edge & (total != 0), total < 0, marks.low))  # stage 2
    with m.If((unit.kind == WideKind.REFRESH) & unit.fresh):
        m.d.sync += low.eq(0)
    return unit.later(m, low, 7, "low9")


def top(unit: Any, m: Module, theta8: Signal, theta9: Any) -> Any:
    """Return the leading phase bits of the page word, ahead by the slot of the next pass."""
    f = unit.formats
    fraction = f.accumulator_bits - f.phase_bits
    if not f.edge:
        return theta9[fraction:]
    ahead = Signal(f.phase_bits, reset_less=True)
    top9 = Signal(f.phase_bits, reset_less=True)
    m.d.sync += [
        ahead.eq(unit.slot + (unit.kind == WideKind.EDGE)),
        top9.eq(theta8[fraction:] + ahead),
    ]
    return top9
