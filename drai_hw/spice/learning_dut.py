"""A synapse of one's own, as a subcircuit between two tanks, judged by what the rule demands."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw.errors import DraiError, SpecError
from drai_hw.files import given_text
from drai_hw.spice.engine import simulate
from drai_hw.spice.learning import Synapse, with_elements
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

PORTS = ("p0", "n0", "p1", "n1", "x")
LEAST_CHANGE = 0.02
DRIFT_LIMIT = 0.02
DRIFT_BEATS = 20
_SUBCIRCUIT = re.compile(r"^\s*\.subckt\s+(\S+)\s+(.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """
    Hold what one pair did to a synapse.

    Parameters
    ----------
    pair : str
        Which pair.
    change : float
        Change of the state.
    demanded : str
        What the rule demands of it.
    holds : bool
        Whether it is so.
    """

    pair: str
    change: float
    demanded: str
    holds: bool


def subcircuit(synapse: Synapse, circuit: Circuit | None = None) -> str:
    """Return this project's own synapse in the form that `judge` takes: an example to start from.

    Parameters
    ----------
    synapse : Synapse
        Settings.
    circuit : Circuit, optional
        The tanks that it is made for.
    """
    lines = synapse.elements(circuit or Circuit(), 0.5)
    body = "\n".join(lines).replace("ic=0.5", "ic={x0}")
    body = re.sub(r"\bxm\b", "x", body)
    return f".subckt synapse {' '.join(PORTS)} x0=0.5\n{body}\n.ends\n"


def _name_of(text: str) -> str:
    found = _SUBCIRCUIT.search(text)
    if found is None:
        raise SpecError(
            f"no .subckt line: needed is one with the nodes {' '.join(PORTS)} and the parameter x0"
        )
    words = re.split(r"\bparams:|\s(?=\w+\s*=)", found[2])[0].split()
    if len(words) != len(PORTS) or "x0" not in found[2].lower():
        raise SpecError(
            f".subckt {found[1]} has the nodes {' '.join(words)}: needed are five, the sides of "
            "both tanks and the state (0 to 1 V), and the parameter x0, its start; e.g. .subckt "
            f"{found[1]} {' '.join(PORTS)} x0=0.5"
        )
    return found[1]


def change(
    text: str,
    psi_rad: float,
    state: float,
    *,
    cycles: int,
    detuning: float = 0.0,
    circuit: Circuit | None = None,
    timeout_s: float = 600.0,
) -> tuple[float, float]:
    """
    Return how far a subcircuit's state goes between two tanks, and the beats of the tanks.

    Parameters
    ----------
    text : str
        The subcircuit.
    psi_rad, state : float
        Phase difference and state at the start.
    cycles : int
        Periods simulated.
    detuning : float
        Relative frequency difference.
    circuit : Circuit, optional
        The tanks.
    timeout_s : float
        Wall-clock limit.

    Raises
    ------
    SpecError
        The subcircuit does not have the interface.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    name = _name_of(text)
    settings = replace(circuit or Circuit(), kind="lc", cycles=cycles, points_per_cycle=100)
    netlist = create(
        np.zeros((2, 2)), settings, start_phases=[0.0, psi_rad], detuning=[0.0, detuning],
        name="dut",
    )  # fmt: skip
    saved = ["v(p0)", "v(n0)", "v(p1)", "v(n1)", "v(dutx)"]
    lines = [text.strip(), f"Xdut p0 n0 p1 n1 dutx {name} x0={state!r}"]
    waves = simulate(
        with_elements(netlist, lines, saved), stop_s=netlist.stop_s,
        expected_points=100 * cycles, vectors=len(saved), name="dut", timeout_s=timeout_s,
    )  # fmt: skip
    sides, x = waves.select(saved[:4]), waves.select(saved[4:])[:, 0]
    signals = np.column_stack([sides[:, 0] - sides[:, 1], sides[:, 2] - sides[:, 3]])
    _, table = phases(waves.time_s, signals, settings.f0_hz)
    psi = table[:, 1] - table[:, 0]
    return float(x[-1] - x[0]), float(abs(psi[-1] - psi[0]) / TAU)


def judge(
    text: str, *, cycles: int = 240, state: float = 0.5, detuning: float = 0.04,
    circuit: Circuit | None = None,
) -> list[Verdict]:  # fmt: skip
    """
    Judge a synapse: pairs in phase strengthen, in antiphase weaken, drifting ones stay.

    Parameters
    ----------
    text : str
        A subcircuit with the nodes p0 n0 p1 n1 x and the parameter x0.
    cycles : int
        Periods in which a resonant pair must move the state by 0.02 at least.
    state : float
        Start.
    detuning : float
        Of the drifting pair, which runs for 20 beats more; its state must stay within 0.02.
    circuit : Circuit, optional
        The tanks.
    """

    def seen(psi_rad: float, periods: int, offset: float = 0.0) -> tuple[float, float]:
        return change(text, psi_rad, state, cycles=periods, detuning=offset, circuit=circuit)

    (near, _), (middle, _), (far, _) = (seen(psi, cycles) for psi in (0.3, 1.0, math.pi - 0.3))
    drifted, beats = seen(0.3, cycles + math.ceil(DRIFT_BEATS / detuning), detuning)
    return [
        Verdict("0.3 rad", near, f"above {LEAST_CHANGE}", near > LEAST_CHANGE),
        Verdict("1.0 rad", middle, "above 0, less than at 0.3 rad", bool(0 < middle < near)),
        Verdict("pi - 0.3 rad", far, f"below -{LEAST_CHANGE}", far < -LEAST_CHANGE),
        Verdict(
            f"drifting, {beats:.1f} beats", drifted, f"within {DRIFT_LIMIT}",
            abs(drifted) < DRIFT_LIMIT,
        ),
    ]  # fmt: skip


def summary(verdicts: list[Verdict]) -> dict[str, Any]:
    """Return JSON-ready values."""
    return {"holds": all(v.holds for v in verdicts), "verdicts": [asdict(v) for v in verdicts]}


def main(arguments: list[str]) -> int:
    """Judge the subcircuit in a file (`--example` prints one); 0 holds, 1 not, 2 bad input."""
    if arguments == ["--example"]:
        print(subcircuit(Synapse()), end="")
        return 0
    try:
        if len(arguments) != 1:
            raise SpecError("needed is one file with a .subckt, or --example, which prints one")
        text = given_text(Path(arguments[0]), "subcircuit", "a text file with a .subckt")
        result = summary(judge(text))
    except DraiError as error:
        print(f"drai-hw: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2))
    return 0 if result["holds"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
