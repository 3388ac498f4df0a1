"""Runs in chunks: after each, crossings and state are on disk, so that nothing is lost."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from drai_hw.errors import ToolError
from drai_hw.files import made_whole
from drai_hw.spice import equations
from drai_hw.spice.at_size.cases import EQUATIONS, Case
from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import numbered_crossings_s
from drai_hw.spice.settings import Floats
from drai_hw.spice.simulate import create, free_running_hz

_START = re.compile(r"^(C[pn]|Lt)(\d+)( .* ic=)\S+", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Record:
    """
    What is kept of a run, finished or not.

    Parameters
    ----------
    case : Case
        What was asked for.
    cycles_done : int
        Periods simulated so far.
    frequency_hz : float
        Free-running frequency in the same solver settings.
    crossings_s : ndarray, shape (K, 2)
        Oscillator and time of every rising zero crossing.
    state : ndarray, shape (3, N)
        Voltages of p and n and inductor currents where the run stands.
    seconds : float
        Wall-clock time spent in ngspice.
    """

    case: Case
    cycles_done: int
    frequency_hz: float
    crossings_s: Floats
    state: Floats
    seconds: float

    @property
    def finished(self) -> bool:
        """Return whether the run is as long as asked for."""
        return self.cycles_done >= self.case.cycles


def place(folder: Path, case: Case) -> Path:
    """Return the file of a case."""
    return folder / f"{case.name}.npz"


def load(folder: Path, case: Case) -> Record | None:
    """Return what is kept of a case, None when there is nothing.

    Raises
    ------
    ToolError
        The file is damaged or belongs to another case.
    """
    path = place(folder, case)
    if not path.exists():
        return None
    try:
        with np.load(path) as kept:
            weights = kept["weights"]
            record = Record(
                case,
                int(kept["cycles_done"]),
                float(kept["frequency_hz"]),
                kept["crossings_s"],
                kept["state"],
                float(kept["seconds"]),
            )
    except (OSError, KeyError, ValueError) as error:
        raise ToolError(
            f"{path}: not a record of a run ({error}); remove it to start anew"
        ) from None
    if not np.array_equal(weights, case.weights()):
        raise ToolError(f"{path}: made with other weights than {case.name} has now; remove it")
    return record


def _save(folder: Path, record: Record) -> None:
    with made_whole(place(folder, record.case)) as beside:
        np.savez_compressed(
            beside,
            weights=record.case.weights(),
            cycles_done=record.cycles_done,
            frequency_hz=record.frequency_hz,
            crossings_s=record.crossings_s,
            state=record.state,
            seconds=record.seconds,
        )


def restarted(text: str, state: Floats) -> str:
    """Return a netlist of tanks that starts from a state instead of its start phases.

    Parameters
    ----------
    text : str
        Netlist as `drai_hw.spice.create` writes it.
    state : ndarray, shape (3, N)
        Voltages of p and n, inductor currents from p to n.
    """
    row = {"cp": 0, "cn": 1, "lt": 2}

    def value(match: re.Match[str]) -> str:
        kind, index, head = match[1], int(match[2]), match[3]
        return f"{kind}{index}{head}{float(state[row[kind.lower()], index])!r}"

    changed, count = _START.subn(value, text)
    if count != state.size:
        raise ToolError(f"{count} start values in the netlist: needed are {state.size}")
    return changed


def _chunk(netlist: Netlist, text: str, cycles: int, timeout_s: float) -> Waves:
    step_s = 1.0 / (netlist.nominal_hz * netlist.circuit.points_per_cycle)
    stop_s = cycles / netlist.nominal_hz
    text = re.sub(
        r"^\.tran .*$", f".tran {step_s:.12g} {stop_s:.12g} 0 {step_s:.12g} uic", text, flags=re.M
    )
    points = cycles * netlist.circuit.points_per_cycle
    return simulate(
        text,
        stop_s=stop_s,
        expected_points=points,
        vectors=len(netlist.saved),
        name=netlist.name,
        timeout_s=timeout_s,
    )


def netlist_of(case: Case) -> Netlist:
    """Return the netlist that a case starts from."""
    return create(
        case.weights(), case.circuit, start_phases=case.start_rad(), seed=case.seed, name="size"
    )


def _whole(netlist: Netlist, case: Case) -> Record:
    began = time.monotonic()
    found = equations.crossings_s(netlist)
    hz = equations.free_running_hz(case.circuit)
    return Record(case, case.cycles, hz, found, np.empty(0), time.monotonic() - began)


def advance(record: Record | None, case: Case, cycles: int, timeout_s: float = 3600.0) -> Record:
    """
    Simulate some more periods of a run.

    Each chunk starts from the voltages and currents in which the last one ended. ngspice takes its
    first step as backward Euler and short, which moves a phase by less than 1e-5 rad, all alike.

    Parameters
    ----------
    record : Record or None
        Where the run stands; None starts it.
    case : Case
        The run.
    cycles : int
        Periods to add; not beyond the case's length. The equations are integrated in one piece.
    timeout_s : float
        Wall-clock limit of the chunk.

    Returns
    -------
    Record
        Where it stands afterwards.

    Raises
    ------
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`; the given record is still good.
    """
    netlist = netlist_of(case)
    if case.way == EQUATIONS:
        return _whole(netlist, case)
    if record is None:
        hz = free_running_hz(case.circuit)
        record = Record(case, 0, hz, np.empty((0, 2)), np.empty(0), 0.0)
        text = netlist.text
    else:
        text = restarted(netlist.text, record.state)
    cycles = min(cycles, case.cycles - record.cycles_done)
    began = time.monotonic()
    waves = _chunk(netlist, text, cycles, timeout_s)
    p_v = waves.select([f"v(p{i})" for i in range(case.n)])
    n_v = waves.select([f"v(n{i})" for i in range(case.n)])
    current_a = waves.select([f"i(lt{i})" for i in range(case.n)])
    offset_s = record.cycles_done / netlist.nominal_hz
    found = numbered_crossings_s(waves.time_s, p_v - n_v) + np.array([0.0, offset_s])
    return replace(
        record,
        cycles_done=record.cycles_done + cycles,
        crossings_s=np.concatenate([record.crossings_s, found]),
        state=np.array([p_v[-1], n_v[-1], current_a[-1]]),
        seconds=record.seconds + time.monotonic() - began,
    )


def resume(
    case: Case, folder: Path, *, chunk_cycles: int = 30, until_s: float | None = None
) -> Record | None:
    """
    Go on with a run from what is kept of it, until it is finished or the time is up.

    Parameters
    ----------
    case : Case
        The run.
    folder : Path
        Where records are kept.
    chunk_cycles : int
        Periods between two writes.
    until_s : float, optional
        Value of `time.monotonic` after which no chunk is begun.

    Returns
    -------
    Record or None
        Where it stands; None when not even the first chunk was begun.
    """
    record = load(folder, case)
    while record is None or not record.finished:
        if until_s is not None and time.monotonic() > until_s:
            return record
        record = advance(record, case, chunk_cycles)
        _save(folder, record)
    return record
