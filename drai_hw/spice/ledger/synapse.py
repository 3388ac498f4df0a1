"""What every source of the learning synapse delivers over some updates; its devices are made up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.spice import learning_energy
from drai_hw.spice.engine import simulate
from drai_hw.spice.learning import Synapse, with_elements
from drai_hw.spice.learning_energy import MEMRISTOR, Books
from drai_hw.spice.settings import Circuit
from drai_hw.spice.simulate import create


@dataclass(frozen=True)
class SynapseLedger:
    """
    Hold the energies of a synapse's circuit from the first pulse to the last one's end.

    Parameters
    ----------
    pulses : int
        Updates written, all of which changed the state.
    delivered_j : dict of str to float
        By source; all of them are behavioural.
    dissipated_j : dict of str to float
        By element.
    stored_j : float
        Into the capacitors.
    """

    pulses: int
    delivered_j: dict[str, float]
    dissipated_j: dict[str, float]
    stored_j: float

    @property
    def balance(self) -> float:
        """Return (delivered - dissipated - stored) / delivered."""
        delivered = sum(self.delivered_j.values())
        return 1.0 - (sum(self.dissipated_j.values()) + self.stored_j) / delivered

    @property
    def per_update_j(self) -> float:
        """Return the energy of all sources per changed weight."""
        return sum(self.delivered_j.values()) / self.pulses

    @property
    def device_j(self) -> float:
        """Return the heat in the memristor alone, per changed weight."""
        return self.dissipated_j[MEMRISTOR] / self.pulses


def synapse_ledger(
    synapse: Synapse | None = None, *, psi_rad: float = 0.3, state: float = 0.3, pulses: int = 4
) -> SynapseLedger:  # fmt: skip
    """
    Run two tanks and their synapse and integrate v i of each of its elements.

    Parameters
    ----------
    synapse : Synapse, optional
        Settings; without read amplifiers.
    psi_rad, state : float
        Phase difference of the uncoupled tanks, state at the start.
    pulses : int
        Updates.
    """
    used = replace(synapse or Synapse(), read_gain=0.0)
    cycles = math.ceil(used.first_cycle + pulses * used.period_cycles)
    circuit = Circuit(cycles=cycles, points_per_cycle=100)
    netlist = create(np.zeros((2, 2)), circuit, start_phases=[0.0, psi_rad], name="ledger")
    nodes = ["p0", "n0", "p1", "n1", "c", "s", "q", "q1", "wm", "xm"]
    names = [*(f"v({node})" for node in nodes), "i(bq)", "i(bwritem)"]
    waves = simulate(
        with_elements(netlist, used.elements(circuit, state), names), stop_s=netlist.stop_s,
        expected_points=cycles * 100, vectors=len(names), name="ledger",
    )  # fmt: skip
    books = Books(waves, used.first_cycle / circuit.f0_hz)
    learning_energy.synapse(
        books, used, circuit, tag="", first=0, second=1, late="q", devices=("m",)
    )
    learning_energy.shifter(books, circuit, "")
    books.deliver("Bgate, Vramp, Venable (without load)", 0.0)
    return SynapseLedger(pulses, books.delivered_j, books.dissipated_j, books.stored_j)
