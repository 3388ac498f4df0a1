"""What a run of a circuit hands back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.spice.energy import Ledger
from drai_hw.spice.settings import Floats


@dataclass(frozen=True)
class SourcePower:
    """
    Hold what one source delivered.

    Parameters
    ----------
    element : str
        Name in the netlist.
    role : str
        What it stands for.
    behavioural, ideal : bool
        Whether it stands for a circuit not drawn, and for one that is not intended at all.
    power_w : float
        Mean power over the run, positive when it delivers.
    """

    element: str
    role: str
    behavioural: bool
    ideal: bool
    power_w: float


@dataclass(frozen=True)
class CircuitResult:
    """
    Hold the outcome of one run.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        One sample per period of the free-running oscillator.
    phases_rad : ndarray, shape (T, N)
        Unwrapped phases in the frame that turns at ``frequency_hz``.
    pattern : ndarray of int, shape (N,)
        Read pattern, +1/-1, with the global sign nearer to the start.
    settled : bool
        Pattern unchanged for 20 cycles and every |cos(phi - axis)| above 0.5.
    settled_cycle : int or None
        Cycle from which that held.
    energies : Ledger
        Delivered, dissipated, stored; headline per cycle and per recall.
    sources : tuple of SourcePower
        Every source by name and watts.
    power_w : float
        Mean headline power.
    frequency_hz : float
        Free-running frequency of one uncoupled oscillator in the same solver settings.
    amplitude_v : ndarray, shape (N,)
        Root mean square of the side-to-side voltage over the last 5 periods times sqrt 2.
    balance : float
        (delivered - dissipated - stored change) / delivered.
    seconds : float
        Wall-clock time in ngspice.
    solver : str
        Rung of `drai_hw.spice.ladder` that gave the solution; "as it is" without trouble.
    """

    time_s: Floats
    phases_rad: Floats
    pattern: NDArray[np.int64]
    settled: bool
    settled_cycle: int | None
    energies: Ledger
    sources: tuple[SourcePower, ...]
    power_w: float
    frequency_hz: float
    amplitude_v: Floats
    balance: float
    seconds: float
    solver: str = "as it is"

    def summary(self) -> dict[str, Any]:
        """Return everything but the phases as JSON-ready values, units in the key names."""
        ledger = self.energies
        return {
            "pattern": [int(value) for value in self.pattern],
            "inverse_counts": True,
            "settled": self.settled,
            "settled_cycle": self.settled_cycle,
            "frequency_hz": self.frequency_hz,
            "power_w": self.power_w,
            "energies_j": {
                "headline": ledger.headline_j,
                "per_cycle": ledger.per_cycle_j,
                "per_recall": ledger.per_recall_j,
                "delivered": sum(ledger.delivered_j.values()),
                "dissipated": dict(ledger.dissipated_j),
                "stored_change": ledger.stored_change_j,
            },
            "energy_method": ledger.method,
            "balance": self.balance,
            "balanced": ledger.balanced,
            "sources": [asdict(source) for source in self.sources],
            "amplitude_v": [float(value) for value in self.amplitude_v],
            "seconds": self.seconds,
            "solver": self.solver,
        }
