"""What tanks and rings have in common for mismatch and tuning: sides, law, frequency, power."""

from __future__ import annotations

from drai_hw.spice import ring
from drai_hw.spice.bank import Bank
from drai_hw.spice.bank_design import TANK, BankDesign, Law, bank_of
from drai_hw.spice.cross_coupled import drawn
from drai_hw.spice.drawn_tanks import MIRROR
from drai_hw.spice.lc import Tank, design_tank
from drai_hw.spice.settings import Circuit
from drai_hw.units import TAU


def tank_of(circuit: Circuit) -> Tank:
    """Return the tank that settings ask for."""
    return design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )


def nominal_hz(circuit: Circuit) -> float:
    """Return the frequency in whose periods windows are counted: of rings the estimate."""
    return circuit.f0_hz if circuit.kind == "lc" else ring.nominal_hz(circuit)


def omega_of(circuit: Circuit) -> complex:
    """Return the angular frequency at which the banks' switches count, in rad/s."""
    return TAU * circuit.f0_hz if circuit.kind == "lc" else ring.edge_omega(circuit)


def side_f(circuit: Circuit) -> float:
    """Return the nominal capacitance of each side, of a ring that of each stage."""
    return circuit.capacitance_f if circuit.kind == "lc" else circuit.ring_load_f


def sides(circuit: Circuit) -> int:
    """Return the sides of an oscillator: two, of a ring one for each chain at each stage."""
    return 2 if circuit.kind == "lc" else ring.nodes_of(circuit)


def tuned_sides(circuit: Circuit) -> int:
    """Return at how many sides of an oscillator banks are: two, or the one of a single chain."""
    return 2 if circuit.kind == "lc" else len(ring.chains_of(circuit))


def stage(circuit: Circuit) -> int | None:
    """
    Return the stage of a ring that has the banks, None for tanks.

    It is the middle one of those that no coupling touches: a fifth more or less of its load leaves
    a pair's coupling over the frequency within 0.3 %, at all others it moves by 0.5 to 3.6 %, at
    the coupled one by 3 %; the frequency moves alike at all (ngspice, five stages, 160 points a
    period). One stage needs a fifth of the capacitors of five, each five times as large. Couplings
    touch the first two stages of a single-ended ring.
    """
    if circuit.kind == "lc":
        return None
    return (circuit.ring_stages + ring.single_ended(circuit)) // 2


def law_of(circuit: Circuit) -> Law:
    """
    Return how the frequency goes with the capacitance of the sides that have banks.

    A ring's period is the sum of its stages' delays, each in proportion to its load.
    """
    return TANK if circuit.kind == "lc" else Law(1.0, 1.0 / circuit.ring_stages)


def power_w(circuit: Circuit) -> float:
    """
    Return a lower bound of what an oscillator takes while it runs free.

    Of a tank its loss, with a drawn core what VDD delivers to its tail and to the mirror's
    reference; of a ring what charges its loads from VDD, `ring.charging_w`, which leaves out the
    current that crosses while both transistors of an inverter are on.
    """
    if circuit.kind == "ring":
        return ring.charging_w(circuit)
    if circuit.core == "cross-coupled":
        return circuit.core_vdd_v * drawn(circuit).tail_a * (1.0 + 1.0 / MIRROR)
    return tank_of(circuit).loss_w


def bank_for(circuit: Circuit, range_share: float, bits: int) -> Bank:
    """Return the bank of an oscillator's sides; arguments and errors as of `bank_of`."""
    return bank_of(range_share, bits, side_f(circuit), omega_of(circuit), law=law_of(circuit))


def design_of(bank: Bank, circuit: Circuit) -> BankDesign:
    """Return what a bank gives in an oscillator."""
    return BankDesign.of(bank, side_f(circuit), omega_of(circuit), law=law_of(circuit))
