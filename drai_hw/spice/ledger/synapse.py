"""What every source of the learning synapse delivers over some updates; its devices are made up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.spice.engine import simulate
from drai_hw.spice.learning import Synapse, with_elements
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.units import TAU


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
        return self.dissipated_j["memristor"] / self.pulses


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
    keep = waves.time_s >= used.first_cycle / circuit.f0_hz
    t = waves.time_s[keep]
    p0, n0, p1, n1, c, s, q, q1, wm, x, of_q, of_write = waves.select(names)[keep].T
    scale = 2.0 / circuit.amplitude_v**2
    tau_s = used.low_pass_cycles / circuit.f0_hz

    def joule(power_w: Floats) -> float:
        return float(np.trapezoid(power_w, t))

    product = 1e-6 * scale * (p0 - n0) * (p1 - n1)
    lagged = 1e-6 * scale * math.hypot(1.0, 10.0) * q * (p1 - n1)
    conductance_s = used.least_s + (used.most_s - used.least_s) * x
    farad = {"c": tau_s * 1e-6, "s": tau_s * 1e-6, "q": 10.0 / (TAU * circuit.f0_hz) * 1e-3}
    squares = {"c": c * c, "s": s * s, "q": q * q}
    return SynapseLedger(
        pulses=pulses,
        delivered_j={
            "Bc (detector, cosine)": joule(product * c),
            "Bs (detector, sine)": joule(lagged * s),
            "Bq (buffer of the phase shifter)": joule(-of_q * q1),
            "Bwrite (driver)": joule(-of_write * wm),
            "Bgate, Vramp, Venable (without load)": 0.0,
        },
        dissipated_j={
            "low-passes": joule((c * c + s * s) / 1e6),
            "phase shifter": joule((q1 - q) ** 2 / 1e3),
            "memristor": joule(wm * wm * conductance_s),
        },
        stored_j=sum(0.5 * farad[key] * float(v[-1] - v[0]) for key, v in squares.items()),
    )
