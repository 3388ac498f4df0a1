"""The circuit's part of the report: energies with their method, ledger, what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from drai_hw.spec import Spec

NO_UPDATE = "the circuit does not learn: no weight update, no figure"
_CLASSES = {
    "tank_loss": "Tank loss resistors",
    "bleed": "Bleed resistors",
    "coupling": "Coupling resistors",
    "pair_transistors": "Cross-coupled pairs",
    "tail_transistors": "Tail current mirrors",
    "reference": "References of the mirrors",
    "tuning_bank": "Switches of the tuning banks",
}


def circuit_part(spec: Spec, result: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the blocks ``circuit`` and ``energy`` of the report.

    Parameters
    ----------
    spec:
        The network.
    result:
        Result of the stage `spice`.
    """
    runs = result["runs"]
    n = spec.network.oscillators
    first = runs[0]

    def mean(key: str) -> float:
        return float(np.mean([run["energies_j"][key] for run in runs]))

    per_cycle = "Energy per oscillator and cycle"
    per_run = "Energy per recall" if result["kind"] == "recall" else "Energy of the run"

    def row(name: str, value: float | None, unit: str, method: str) -> dict[str, Any]:
        return {"name": name, "value": value, "unit": unit, "method": method, "reason": method}

    method = first["energy_method"]
    of_runs = f"mean of {len(runs)} runs" if len(runs) > 1 else "one run"
    power_w = float(np.mean([run["power_w"] for run in runs]))
    settled = [run["settled_cycle"] for run in runs if run["settled_cycle"] is not None]
    energy = {
        "energy_per_recall_j": mean("per_recall"),
        "energy_per_oscillator_cycle_j": mean("per_cycle"),
        "energy_per_update_j": None,
        "energy_per_update_reason": NO_UPDATE,
        "power_w": power_w,
        "method": method,
    }
    quantities = [
        row(per_run, energy["energy_per_recall_j"], "J", f"{method}; {of_runs}"),
        row(per_cycle, energy["energy_per_oscillator_cycle_j"], "J", method),
        row("Energy per weight update", None, "J", NO_UPDATE),
        row("Mean power", power_w, "W", f"{method}; {n} oscillators"),
        row("Delivered by all sources", mean("delivered"), "J", "integral of v·i, ngspice"),
        row(
            "Free-running frequency", first["frequency_hz"], "Hz",
            "one uncoupled oscillator, same solver settings",
        ),
        row(
            "Settled after", float(np.median(settled)) if settled else None, "cycles",
            f"median; {len(settled)} of {len(runs)} runs settled (pattern unchanged for 20 cycles, "
            "every |cos| above 0.5)",
        ),
        row(
            "Distance to the float model", result["phase_rms_rad"], "rad",
            "rms of the end phases, same weights and start",
        ),
    ]  # fmt: skip
    if tuning := result.get("tuning"):
        quantities += [row(*told) for told in _tuning(tuning)]
    if spec.circuit.kind == "lc":
        description = (
            f"{n} differential LC tanks with {spec.circuit.core} cores, f0 = "
            f"{spec.circuit.f0_hz / 1e6:g} MHz, Q = {spec.circuit.q:g}, "
            f"rho = {spec.circuit.rho:g}, {spec.circuit.cycles} cycles "
            f"({first['duration_s'] * 1e6:.4g} µs) a run; {result['seconds_per_run']:.1f} s in "
            "ngspice."
        )
    else:
        description = (
            f"{n} {spec.circuit.ring_topology} CMOS rings, rho = {spec.circuit.rho:g}, "
            f"{spec.circuit.cycles} nominal cycles a run; {result['seconds_per_run']:.1f} s in "
            "ngspice."
        )
    notes = [
        ".tran has no thermal noise: none is in these figures.",
        *result["warnings"],
    ]
    if spec.circuit.kind == "ring" and spec.dynamics.frequencies:
        notes.append("Rings are not detuned: dynamics.frequencies reaches tanks only.")
    return {
        "energy": energy,
        "circuit": {
            "description": description,
            "quantities": quantities,
            "ledger": _ledger(first, first["energies_j"]),
            "notes": notes,
        },
    }


def _tuning(tuning: Mapping[str, Any]) -> list[tuple[str, float, str, str]]:
    """Return name, value, unit and method of what drawn components and a calibration do."""
    off = "Frequencies off the nominal"
    drawn = f"rms over the oscillators, mismatch {100 * tuning['mismatch']:g} %, closed form"
    found = [(off, 100 * tuning["frequency_deviation_before_rms"], "%", drawn)]
    if "codes" not in tuning:
        return found
    method = f"{tuning['bits']} bits, {tuning['calibration_method']}"
    return [
        *found,
        (f"{off}, tuned", 100 * tuning["frequency_deviation_after_rms"], "%", method),
        ("Calibration", tuning["calibration_time_s"], "s", method),
        (
            "Energy of the calibration", tuning["calibration_energy_j"], "J",
            tuning["calibration_energy_method"],
        ),
    ]  # fmt: skip


def _ledger(run: Mapping[str, Any], energies: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per kind of source, class of loss and store, of the first run."""
    duration_s = run["duration_s"]
    power: dict[tuple[str, str], list[float]] = defaultdict(list)
    for source in run["sources"]:
        kind = "ideal" if source["ideal"] else "behavioural" if source["behavioural"] else "supply"
        power[source["role"], kind].append(source["power_w"])
    rows = [
        {
            "name": f"{role} ({len(values)})",
            "energy_j": sum(values) * duration_s,
            "power_w": sum(values),
            "kind": f"{kind}, delivers",
        }
        for (role, kind), values in sorted(power.items())
    ]
    for name, joule in energies["dissipated"].items():
        rows.append(
            {
                "name": _CLASSES.get(name, name.replace("_", " ").capitalize()),
                "energy_j": -joule,
                "power_w": -joule / duration_s,
                "kind": "turned into heat",
            }
        )
    rows.append(
        {
            "name": "Capacitors and inductors",
            "energy_j": -energies["stored_change"],
            "power_w": -energies["stored_change"] / duration_s,
            "kind": "change in stored energy",
        }
    )
    return rows
