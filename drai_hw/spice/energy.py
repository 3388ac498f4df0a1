"""Energy ledger of a run: delivered by every source, dissipated by class, stored, balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from drai_hw.spice.bank import Banks
from drai_hw.spice.bank_energy import bank_energy_j
from drai_hw.spice.devices import inverter_heat_w
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Floats

LC_METHOD = "tank loss, a lower bound (behavioural cores; no supply in the netlist)"
RING_METHOD = "supply energy from VDD (level-1: not a technology)"
BALANCE_LIMIT = 0.005


@dataclass(frozen=True)
class Ledger:
    """
    Hold the energies of one run, joule unless said.

    Parameters
    ----------
    delivered_j : dict of str to float
        By source, named as in the netlist.
    dissipated_j : dict of str to float
        By class of element.
    stored_change_j : float
        Energy in capacitors and inductors at the end minus at the start.
    headline_j : float
        The figure to quote, see ``method``.
    method : str
        What the headline contains.
    duration_s : float
        Length of the run.
    n : int
        Oscillators.
    frequency_hz : float
        Of an uncoupled one, measured.
    """

    delivered_j: dict[str, float]
    dissipated_j: dict[str, float]
    stored_change_j: float
    headline_j: float
    method: str
    duration_s: float
    n: int
    frequency_hz: float

    @property
    def per_cycle_j(self) -> float:
        """Return the headline per oscillator and period."""
        return self.headline_j / (self.n * self.duration_s * self.frequency_hz)

    @property
    def per_recall_j(self) -> float:
        """Return the headline over the whole run, all oscillators."""
        return self.headline_j

    @property
    def balance(self) -> float:
        """Return (delivered - dissipated - stored change) / delivered; acceptance is 0.5 %."""
        delivered = sum(self.delivered_j.values())
        return (delivered - sum(self.dissipated_j.values()) - self.stored_change_j) / delivered

    @property
    def balanced(self) -> bool:
        """Return whether the balance holds to 0.5 %."""
        return abs(self.balance) <= BALANCE_LIMIT

    @property
    def source_w(self) -> dict[str, float]:
        """Return the mean power that every source delivered, watt."""
        return {name: joule / self.duration_s for name, joule in self.delivered_j.items()}


def integral(power_w: Floats, time_s: Floats) -> Floats:
    """
    Integrate columns over time by the trapezoidal rule.

    Kirchhoff's laws hold at every accepted point, so power sums are exact there; and on a periodic
    waveform the rule's error falls faster than any power of the step. Integrators inside the
    netlist would add the solver's own error and a node per element.
    """
    return np.asarray(np.trapezoid(power_w, time_s, axis=0), dtype=np.float64)


def _laplacian(netlist: Netlist) -> Floats:
    """Return the siemens of all branches as a nodal matrix over nodes p0.. then n0.."""
    straight, crossed = netlist.parts.straight_s, netlist.parts.crossed_s
    branches = np.block([[straight, crossed], [crossed, straight]])
    return np.diag(branches.sum(axis=1)) - branches


def coupling_j(
    netlist: Netlist, time_s: Floats, p_v: Floats, n_v: Floats, middle_v: Floats | None = None
) -> tuple[float, float]:
    """
    Return the energy turned into heat in the coupling resistors, and the change of that stored.

    Parameters
    ----------
    netlist : Netlist
        For the branches.
    time_s : ndarray, shape (T,)
        Times.
    p_v, n_v : ndarray, shape (T, N)
        Node voltages of the two sides.
    middle_v : ndarray, shape (T, B), optional
        Voltages of ``netlist.parts.middles``, of branches with a resistor and a capacitor in
        series.

    Returns
    -------
    tuple of float
        Heat and change of stored energy, joule.
    """
    branch = netlist.parts.branch
    if branch.kind != "series-rc":
        both = np.hstack([p_v, n_v])
        squared = ((both @ _laplacian(netlist)) * both).sum(axis=1)
        resistor_ohm, capacitor_f = branch.elements(1.0)
        heated_j = 0.0 if resistor_ohm is None else float(integral(squared, time_s)) / resistor_ohm
        return heated_j, 0.5 * (capacitor_f or 0.0) * float(squared[-1] - squared[0])
    assert middle_v is not None
    side_v = {"p": p_v, "n": n_v}
    heat_j = stored_j = 0.0
    for k, (_, one, other, siemens) in enumerate(netlist.parts.branches()):
        across = [side_v[node[0]][:, int(node[1:])] for node in (one, other)]
        over_resistor, over_capacitor = across[0] - middle_v[:, k], middle_v[:, k] - across[1]
        ohm, farad = branch.elements(siemens)
        assert ohm is not None
        assert farad is not None
        heat_j += float(integral(over_resistor**2, time_s)) / ohm
        stored_j += 0.5 * farad * float(over_capacitor[-1] ** 2 - over_capacitor[0] ** 2)
    return heat_j, stored_j


def tank_ledger(
    netlist: Netlist,
    time_s: Floats,
    p_v: Floats,
    n_v: Floats,
    inductor_a: Floats,
    frequency_hz: float,
    middle_v: Floats | None = None,
) -> Ledger:
    """
    Account for a run of coupled tanks.

    Parameters
    ----------
    netlist : Netlist
        As made by ``lc.build``.
    time_s : ndarray, shape (T,)
        Times.
    p_v, n_v, inductor_a : ndarray, shape (T, N)
        Node voltages and inductor currents.
    frequency_hz : float
        Measured free-running frequency, for the energy per period.
    middle_v : ndarray, optional
        As in `coupling_j`.

    Returns
    -------
    Ledger
        Headline: what the loss resistors and bleeds of the tanks turn into heat.
    """
    values = netlist.parts.values
    v = p_v - n_v
    squared_v2s = integral(v**2, time_s)
    core_j = values["g1_s"] * squared_v2s - values["g3_s_per_v2"] * integral(v**4, time_s)
    delivered = {f"Bcore{i}": float(joule) for i, joule in enumerate(core_j)}
    for i in np.flatnonzero(values["ideal_s"] > 0):
        delivered[f"Bundamp{i}"] = float(values["ideal_s"][i] * squared_v2s[i])
    loss_j = float((squared_v2s / values["loss_ohm"]).sum())
    bleed_j = float((integral(p_v**2 + n_v**2, time_s) / values["bleed_ohm"]).sum())

    sides_v2s = integral(np.stack([p_v, n_v], axis=2) ** 2, time_s)
    bank_j = float((values["bank_s"] * sides_v2s).sum())

    def stored_j(k: int) -> float:
        squared = np.column_stack([p_v[k], n_v[k]]) ** 2
        electric = (0.5 * values["capacitance_f"] * squared).sum(axis=1)
        return float((electric + 0.5 * values["inductance_h"] * inductor_a[k] ** 2).sum())

    headline_j = loss_j + bleed_j
    coupling_heat_j, coupling_stored_j = coupling_j(netlist, time_s, p_v, n_v, middle_v)
    return Ledger(
        delivered_j=delivered,
        dissipated_j={
            "tank_loss": loss_j,
            "bleed": bleed_j,
            **({"tuning_bank": bank_j} if bank_j else {}),
            "coupling": coupling_heat_j,
        },
        stored_change_j=stored_j(-1) - stored_j(0) + coupling_stored_j,
        headline_j=headline_j,
        method=LC_METHOD,
        duration_s=float(time_s[-1] - time_s[0]),
        n=netlist.n,
        frequency_hz=frequency_hz,
    )


def ring_ledger(
    netlist: Netlist,
    time_s: Floats,
    chains_v: Sequence[Floats],
    supply_a: Floats,
    frequency_hz: float,
    middle_v: Floats | None = None,
) -> Ledger:
    """
    Account for a run of coupled rings.

    What VDD delivered is integrated from the solver's own supply current; the heat in the
    transistors is computed from the node voltages by the square law, so the balance compares two
    independent ways.

    Parameters
    ----------
    netlist : Netlist
        As made by ``ring.build``.
    time_s : ndarray, shape (T,)
        Times.
    chains_v : sequence of ndarray, shape (T, N, K)
        Node voltages of the K stages of every ring, of each of its chains: p and n, or p alone.
    supply_a : ndarray, shape (T,)
        Current into VDD's positive terminal.
    frequency_hz : float
        Measured free-running frequency, for the energy per period.
    middle_v : ndarray, optional
        As in `coupling_j`.

    Returns
    -------
    Ledger
        Headline: what VDD delivered.
    """
    vdd_v, width = netlist.circuit.ring_vdd_v, netlist.circuit.ring_width
    latch = width * netlist.circuit.ring_latch
    delivered_j = -vdd_v * float(integral(supply_a, time_s))

    def heat_j(gate_v: Floats, drain_v: Floats, share: float) -> float:
        power = inverter_heat_w(gate_v, drain_v, vdd_v, share, netlist.circuit.ring_skew)
        return float(integral(power.reshape(power.shape[0], -1).sum(axis=1), time_s))

    def stored_j(k: int) -> float:
        sides_v = np.stack([chain_v[k] for chain_v in chains_v], axis=2).reshape(netlist.n, -1)
        return float((0.5 * netlist.parts.values["load_f"] * sides_v**2).sum())

    if len(chains_v) == 2:
        latches_j = sum(heat_j(gate, drain, latch) for gate, drain in permutations(chains_v))
        latched = {"latch_transistors": latches_j}
        p_v, n_v = (chain_v[:, :, 0] for chain_v in chains_v)
    else:
        latched, (p_v, n_v) = {}, (chains_v[0][:, :, k] for k in (0, 1))
    coupling_heat_j, coupling_stored_j = coupling_j(netlist, time_s, p_v, n_v, middle_v)
    banks = netlist.parts.banks
    bank_heat_j = bank_stored_j = 0.0
    if isinstance(banks, Banks):
        tuned_v = np.stack([chain_v[:, :, banks.stage] for chain_v in chains_v], axis=2)
        bank_heat_j, bank_stored_j = bank_energy_j(banks, time_s, tuned_v)
    return Ledger(
        delivered_j={"Vdd": delivered_j},
        dissipated_j={
            "stage_transistors": sum(
                heat_j(np.roll(chain_v, 1, axis=2), chain_v, width) for chain_v in chains_v
            ),
            **latched,
            **({"tuning_bank": bank_heat_j} if bank_heat_j else {}),
            "coupling": coupling_heat_j,
        },
        stored_change_j=stored_j(-1) - stored_j(0) + coupling_stored_j + bank_stored_j,
        headline_j=delivered_j,
        method=RING_METHOD,
        duration_s=float(time_s[-1] - time_s[0]),
        n=netlist.n,
        frequency_hz=frequency_hz,
    )
