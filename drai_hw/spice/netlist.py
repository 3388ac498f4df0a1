"""A netlist with everything that is needed to judge its run: nodes, parts, marked elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from drai_hw.spice.bank import Capacitors
from drai_hw.spice.branch import Branch
from drai_hw.spice.parametric import measured, parametric
from drai_hw.spice.settings import Circuit, Floats


@dataclass(frozen=True)
class Behavioural:
    """
    Mark an element that stands for a circuit nobody has drawn yet.

    Parameters
    ----------
    element : str
        Its name in the netlist.
    role : str
        What it stands for.
    ideal : bool
        True when no passive or active circuit of this kind is intended at all.
    oscillator : int
        The oscillator it belongs to.
    """

    element: str
    role: str
    ideal: bool
    oscillator: int


@dataclass(frozen=True)
class Parts:
    """
    Hold component values beside the text, so that energies need no parser.

    Parameters
    ----------
    straight_s, crossed_s : ndarray, shape (N, N)
        Conductance of each of a pair's two branches in siemens, 0 where there is none; the size
        of its admittance at the nominal frequency where it has a capacitor.
    coupling : ndarray, shape (N, N)
        ``w_circuit`` in rad/s (tanks) or signed branch conductance in siemens (rings), of the
        same size with a capacitor.
    kappa : float
        ``coupling = kappa * weights``.
    values : mapping of str to ndarray
        Per-oscillator component values; the key carries the unit.
    branch : Branch
        What the branches are made of.
    banks : Capacitors, optional
        Capacitors as they were drawn, with tuning banks or without.
    crossed_share : float
        How strongly a crossed branch pulls beside a straight one of the same conductance.
    """

    straight_s: Floats
    crossed_s: Floats
    coupling: Floats
    kappa: float
    values: dict[str, Floats] = field(default_factory=dict)
    branch: Branch = field(default_factory=Branch)
    banks: Capacitors | None = None
    crossed_share: float = 1.0

    @property
    def pull_s(self) -> Floats:
        """Return the signed siemens of straight branches that would pull each pair as strongly."""
        return np.asarray(self.straight_s - self.crossed_share * self.crossed_s)

    def branches(self) -> list[tuple[str, str, str, float]]:
        """Return name, both nodes' side and number, and siemens of every branch of the netlist."""
        signed_s = self.straight_s - self.crossed_s
        found = []
        for i, j in upper_pairs(signed_s):
            ends = ("p", "n") if signed_s[i, j] > 0 else ("n", "p")
            for side, end in zip(("p", "n"), ends, strict=True):
                name = f"w{i}_{j}_{side}{end}"
                found.append((name, f"{side}{i}", f"{end}{j}", abs(float(signed_s[i, j]))))
        return found

    @property
    def middles(self) -> list[str]:
        """Return the nodes between resistor and capacitor of every branch that has one."""
        return [name for name, *_ in self.branches()] if self.branch.kind == "series-rc" else []


@dataclass(frozen=True)
class Netlist:
    """
    Hold a netlist, ready for ``ngspice -b``, and what it was made from.

    Parameters
    ----------
    name : str
        Design name, used for file names and the title.
    text : str
        The netlist in plain numbers, which the modules here take apart.
    circuit : Circuit
        Settings.
    weights : ndarray, shape (N, N)
        Dimensionless couplings.
    start_phases_rad : ndarray, shape (N,)
        Start phases.
    detuning : ndarray, shape (N,)
        Relative frequency deviations.
    seed : int
        Seed of whatever was drawn.
    pairs : tuple of (str, str)
        Nodes p and n of every oscillator's read-out.
    parts : Parts
        Component values.
    behavioural : tuple of Behavioural
        Every element that delivers energy without being drawn as a circuit.
    nominal_hz : float
        Frequency that the time axis was laid out for.
    stop_s : float
        End of the run.
    saved : tuple of str
        Vectors that the run writes.
    parameters : mapping of str to float
        Values that most elements share, by the names they have in a file.
    level_v : str
        Voltage of side p whose crossing a file's measurements count.
    """

    name: str
    text: str
    circuit: Circuit
    weights: Floats
    start_phases_rad: Floats
    detuning: Floats
    seed: int
    pairs: tuple[tuple[str, str], ...]
    parts: Parts
    behavioural: tuple[Behavioural, ...]
    nominal_hz: float
    stop_s: float
    saved: tuple[str, ...]
    parameters: dict[str, float] = field(default_factory=dict)
    level_v: str = "0"

    @property
    def file_text(self) -> str:
        """Return the netlist as a file has it: values by name, measurements; run unchanged."""
        rises = measured([p for p, _ in self.pairs], self.level_v, self.nominal_hz, self.stop_s)
        return parametric(self.text, self.parameters, self.weights, rises)

    def unnamed(self, parameter: str) -> Netlist:
        """Return the netlist whose file gives numbers in the place of a parameter."""
        kept = {name: value for name, value in self.parameters.items() if name != parameter}
        return replace(self, parameters=kept)

    @property
    def kind(self) -> str:
        """Return the circuit kind."""
        return self.circuit.kind

    @property
    def n(self) -> int:
        """Return the number of oscillators."""
        return int(self.weights.shape[0])


def header(name: str, command: str, notes: Sequence[str]) -> list[str]:
    """
    Return the comment lines that every netlist opens with.

    Parameters
    ----------
    name : str
        Design name.
    command : str
        The command that makes this file again.
    notes : sequence of str
        Conventions and warnings.

    Returns
    -------
    list of str
        Lines without the leading asterisk.
    """
    return [
        f"design {name}; made by: {command}",
        "This generated file belongs to the user who made it; use it under any terms.",
        *notes,
    ]


def commands(
    nominal_hz: float, cycles: float, points_per_cycle: int, saved: Sequence[str], options: str
) -> tuple[list[str], float]:
    """
    Return the analysis lines and the end of the run.

    ``method=trap`` because gear damps a tank and shifts its frequency; the largest step is fixed,
    so that a free-running frequency measured at the same setting belongs to the same solver.

    Parameters
    ----------
    nominal_hz : float
        Frequency the time axis is laid out for, hertz.
    cycles : float
        Length in nominal periods.
    points_per_cycle : int
        Steps per nominal period.
    saved : sequence of str
        Vectors to write.
    options : str
        Further ngspice options.

    Returns
    -------
    tuple of (list of str, float)
        Lines, and the stop time in seconds.
    """
    step_s = 1.0 / (nominal_hz * points_per_cycle)
    stop_s = cycles / nominal_hz
    lines = [f".options method=trap {options}".rstrip()]
    lines += [".save " + " ".join(saved[k : k + 8]) for k in range(0, len(saved), 8)]
    lines.append(f".tran {step_s:.12g} {stop_s:.12g} 0 {step_s:.12g} uic")
    return lines, stop_s


def upper_pairs(matrix: Floats) -> list[tuple[int, int]]:
    """Return the index pairs i < j with a non-zero entry, in row order."""
    rows, columns = np.nonzero(np.triu(matrix, 1))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True)]
