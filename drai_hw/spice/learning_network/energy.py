"""What learning a pattern costs in a network's run: every source, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.spice import learning_energy
from drai_hw.spice.energy import tank_ledger
from drai_hw.spice.learning_energy import LEARNING, MEMRISTOR, Books
from drai_hw.spice.learning_network.network import Network, netlist
from drai_hw.spice.learning_network.runs import Run, counters

CORES, READS = "Bcore (tanks)", "Bread (transconductors)"
LINES, CONTROLS = "Vrefp, Vrefn (what inputs show)", "Vu, Vd (switches of inputs)"
IDLE = "Bgate, Benable, Vramp, Vclock, Vlearn (without load)"


@dataclass(frozen=True)
class Energy:
    """
    Hold the energies of some stages of a run, joule.

    Parameters
    ----------
    delivered_j : dict of str to float
        By source. All but the reference lines and switches are behavioural.
    dissipated_j : dict of str to float
        By class of element.
    stored_j : float
        Into capacitors and inductors. The memristors' states are no energies.
    balance : float
        (delivered - dissipated - stored) / delivered.
    changed, written : int
        Memristors that changed, and pulses issued.
    """

    delivered_j: dict[str, float]
    dissipated_j: dict[str, float]
    stored_j: float
    balance: float
    changed: int
    written: int

    @property
    def learning_j(self) -> float:
        """Return what detectors, phase shifters and drivers deliver."""
        return sum(self.delivered_j[name] for name in LEARNING)

    @property
    def device_j(self) -> float:
        """Return the heat in the memristors."""
        return self.dissipated_j[MEMRISTOR]

    def per_update_j(self) -> tuple[float | None, float | None]:
        """Return the learning energy over changed and over written ones; None without any."""
        each = [self.learning_j / n if n else None for n in (self.changed, self.written)]
        return each[0], each[1]


def energy(network: Network, seen: Run, first: int, last: int) -> Energy:
    """
    Return the energies of some stages.

    Parameters
    ----------
    network, seen : Network, Run
        What was run.
    first, last : int
        First and last of the stages, from 0.
    """
    circuit, switch = network.circuit, network.switch
    ends = np.concatenate([[0.0], network.ends]) / circuit.f0_hz
    books = Books(seen.waves, float(ends[first]), float(ends[last + 1]))
    n = network.n
    p_v, n_v, current_a = (
        np.column_stack(books.seen(*(name.format(i) for i in range(n))))
        for name in ("v(p{})", "v(n{})", "i(lt{})")
    )
    tanks = tank_ledger(
        netlist(network, seen.reference_hz)[0], books.time_s, p_v, n_v, current_a,
        seen.reference_hz,
    )  # fmt: skip
    books.delivered_j[CORES] = sum(tanks.delivered_j.values())
    books.dissipated_j["tanks"] = sum(tanks.dissipated_j.values())
    books.stored_j += tanks.stored_change_j
    for i in sorted({one for one, _ in network.pairs}):
        learning_energy.shifter(books, circuit, f"_{i}")
    for tag, (i, j) in zip(network.tags, network.pairs, strict=True):
        devices = [f"{name}{tag}" for name in "mk"]
        learning_energy.synapse(
            books, network.synapse, circuit, tag=tag, first=i, second=j, late=f"q_{i}",
            devices=devices,
        )  # fmt: skip
        states = np.column_stack(books.seen(*(f"v(x{device})" for device in devices)))
        # G/C is the coupling; both transconductors deliver G v_i v_j
        siemens = network.weights_rad_per_s(states) * circuit.capacitance_f
        volt = p_v - n_v
        books.deliver(READS, 2.0 * siemens * volt[:, i] * volt[:, j])
    plus, minus, plus_a, minus_a = books.seen("v(refp)", "v(refn)", "i(vrefp)", "i(vrefn)")
    books.deliver(LINES, -plus_a * plus - minus_a * minus)
    for i in range(n):
        for name in "ud":
            volt, ampere = books.seen(f"v({name}{i})", f"i(v{name}{i})")
            books.deliver(CONTROLS, -ampere * volt)
        for side, own, lineup in (("p", p_v, (plus, minus)), ("n", n_v, (minus, plus))):
            held, *controls = books.seen(f"v(h{side}{i})", f"v(u{i})", f"v(d{i})")
            books.dissipate("inputs", (held - own[:, i]) ** 2 / network.input_ohm)
            for line, control in zip(lineup, controls, strict=True):
                ohm = np.where(control > 0.5 * switch.control_v, switch.on_ohm, switch.off_ohm)
                books.dissipate("inputs", (line - held) ** 2 / ohm)
                books.store(switch.off_f, line - held)
                for end in (line, held):
                    books.store(switch.overlap_f, control - end)
    books.deliver(IDLE, 0.0)
    counted = counters(network, seen.waves, first, last + 1)
    return Energy(
        books.delivered_j, books.dissipated_j, books.stored_j, books.balance,
        counted["changed"], counted["written"],
    )  # fmt: skip
