"""Ports of the units that can be put under a bench or a proof: one table for all who need it."""

from __future__ import annotations

from dataclasses import dataclass

from drai_hw.errors import SpecError
from drai_hw.model import prng
from drai_hw.model.numbers import GAIN_BITS, STRENGTH_BITS, Formats

UNITS = ("synapse", "neuron", "update", "prng")
DITHER_BITS = 5
INCREMENT_EXTRA_BITS = 2  # tuning word, torque and dither are added without wrapping


@dataclass(frozen=True)
class Port:
    """One port of a unit beside ``clk`` and ``rst``.

    Parameters
    ----------
    name : str
        Its name.
    bits : int
        Width.
    meaning : str
        What it carries, in a few words.
    signed : bool
        Two's complement.
    output : bool
        The unit drives it.
    needed : bool
        False where the network's features leave it unused: a design may lack it.
    setting : bool
        It keeps its value from a sample's ``en`` to its ``valid``, as a register of the core does.
    """

    name: str
    bits: int
    meaning: str
    signed: bool = False
    output: bool = False
    needed: bool = True
    setting: bool = False

    @property
    def low(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest value."""
        return (1 << (self.bits - self.signed)) - 1


def check_unit(unit: str) -> None:
    """Raise `SpecError` unless there is a unit of this name."""
    if unit not in UNITS:
        raise SpecError(f"unit = {unit!r}: known are {', '.join(UNITS)}")


def unit_ports(unit: str, formats: Formats) -> tuple[Port, ...]:
    """Return the ports of a unit in the formats of a network.

    Parameters
    ----------
    unit : {"synapse", "neuron", "update", "prng"}
        Unit.
    formats : Formats
        Number formats and features.

    Raises
    ------
    SpecError
        There is no such unit, or this network has none.
    """
    makers = {"synapse": _synapse, "neuron": _neuron, "update": _update, "prng": _prng}
    check_unit(unit)
    if unit == "synapse" and not formats.learns:
        raise SpecError(
            f"unit synapse with board.replicas = {formats.replicas}: replicas share their weights "
            "and have no synapses; needs replicas = 1"
        )
    return makers[unit](formats)


def _synapse(f: Formats) -> tuple[Port, ...]:
    p, w, ob = f.phase_bits, f.weight_bits, f.frequency_bits
    sides = (
        Port("g_plus", 1, "near pairs may step up in this pass"),
        Port("g_minus", 1, "far pairs may step down in this pass"),
    )
    budget = (
        Port("over_i", 1, "row i has reached its budget"),
        Port("over_j", 1, "row j has reached its budget"),
        Port("r_shrink", 1, "random event of the shrinking of full rows"),
    )
    centring = (
        Port("lean_i", 2, "rounded mean of row i, -1 to 1", signed=True),
        Port("lean_j", 2, "rounded mean of row j, -1 to 1", signed=True),
        Port("r_push", 2, "random number 0 to 3 of the centring step"),
    )
    return (
        Port("en", 1, "the other inputs are a pair"),
        Port("phi_i", p, "leading bits of the phase of i"),
        Port("phi_j", p, "leading bits of the phase of j"),
        Port("om_i", ob, "smoothed frequency of i", signed=True, needed=f.resonance),
        Port("om_j", ob, "smoothed frequency of j", signed=True, needed=f.resonance),
        Port("gate_i", 1, "margin bit of i: held"),
        Port("gate_j", 1, "margin bit of j: held"),
        Port("act_i", 1, "i takes part"),
        Port("act_j", 1, "j takes part"),
        Port("u_g", p - 1, "threshold of the pass, u_n - 1"),
        *(sides if f.one_sided else ()),
        *(budget if f.budget else ()),
        *(centring if f.centring else ()),
        Port("r_eta", 1, "random event of an update"),
        Port("r_decay", 1, "random event of a decay", needed=f.decay),
        Port("u_decay", w - 1, "random number of the decay", needed=f.fades),
        Port("w_in", w, "weight before", signed=True),
        Port("w_out", w, "weight after", signed=True, output=True),
        Port("valid", 1, "w_out belongs to an en of `latency` clocks ago", output=True),
    )


def _neuron(f: Formats) -> tuple[Port, ...]:
    a = f.accumulator_bits
    return (
        Port("en", 1, "move on by omega + delta"),
        Port("load", 1, "take phi_load; wins over en"),
        Port("phi_load", a, "phase to load"),
        Port("omega", a, "tuning word", signed=True),
        Port("delta", a, "phase increment of torque, inputs and dither", signed=True),
        Port("phi", a, "phase accumulator", output=True),
        Port("phi_top", f.phase_bits, "its leading bits", output=True),
    )


def _update(f: Formats) -> tuple[Port, ...]:
    a, p = f.accumulator_bits, f.phase_bits
    return (
        Port("en", 1, "the other inputs are an oscillator"),
        Port("acc", f.acc_bits, "finished torque sum S", signed=True),
        Port("phi_top", p, "leading bits of its phase"),
        Port("omega", a, "tuning word", signed=True),
        Port("psi", p, "input phase"),
        Port("strength", STRENGTH_BITS, "input strength F"),
        Port("clamp", 1, "its phase is held"),
        Port("u_dither", 2, "random number of the dither: 1 adds, 2 subtracts, 0 and 3 nothing"),
        Port("gain", GAIN_BITS, "coupling gain K", setting=True),
        Port("shil", STRENGTH_BITS, "second harmonic k_s", setting=True),
        Port("dither", DITHER_BITS, "dither s + 1, 0 for none", setting=True),
        Port("delta", a, "saturated torque, without tuning word and dither", signed=True,
             output=True),
        Port("inc", a + INCREMENT_EXTRA_BITS, "phase increment: omega + delta + dither, or 0",
             signed=True, output=True),
        Port("valid", 1, "delta and inc belong to an en of `latency` clocks ago", output=True),
    )  # fmt: skip


def _prng(f: Formats) -> tuple[Port, ...]:
    return (
        Port("load", 1, "take seed; wins over step"),
        Port("seed", prng.BITS, "start state, not 0"),
        Port("step", 1, "leap to the next draw"),
        Port("bits", prng.BITS, "present draw, newest bit lowest", output=True),
    )
