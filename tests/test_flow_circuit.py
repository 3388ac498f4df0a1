import math

import numpy as np
import pytest

from drai_hw import catalog
from drai_hw.cli.common import with_overrides
from drai_hw.flow import circuit
from drai_hw.flow.energy import circuit_part


def pair(**sections):
    return with_overrides(catalog.find("pair")[0], sections)


def test_detuning_is_in_units_of_the_coupling():
    spec = pair(circuit={"rho": 0.2, "q": 10})
    assert circuit.detuning_of(spec) == pytest.approx([-0.25 * 0.2 / 20, 0.25 * 0.2 / 20])


def test_rings_are_not_detuned():
    assert circuit.detuning_of(pair(circuit={"kind": "ring"})) is None


def test_the_float_model_gets_the_circuits_time_and_no_second_harmonic():
    # Two equal oscillators relax by tan(psi/2) = tan(psi0/2) exp(-2t), t in 1/(kappa R).
    spec = pair(
        circuit={"cycles": 20, "rho": 0.3, "q": 15.9},
        dynamics={"frequencies": [0.0, 0.0]},
        shil={"strength": 1.5, "ramp_steps": 1},
    )
    duration = 20 * 2 * math.pi * 0.3 / (2 * 15.9)
    end = circuit.float_end(spec, np.array([[0, 15], [15, 0]]), np.array([0.4, 1.4]))
    expected = 2 * math.atan(math.tan(0.5) * math.exp(-2 * duration))
    assert end[1] - end[0] == pytest.approx(expected, rel=0.15)  # Euler at 0.05 a step


def test_rings_have_a_time_of_their_own():
    spec = pair(circuit={"kind": "ring", "cycles": 20, "rho": 0.05})
    duration = 20 * 2 * math.pi * 0.05 * 0.159  # what extraction finds for five stages
    end = circuit.float_end(spec, np.array([[0, 15], [15, 0]]), np.array([0.4, 1.4]))
    expected = 2 * math.atan(math.tan(0.5) * math.exp(-2 * duration))
    assert end[1] - end[0] == pytest.approx(expected, rel=0.15)


def test_unequal_amplitudes_are_a_weight_error():
    weights = np.array([[0, 10, 0], [10, 0, -5], [0, -5, 0]])
    assert circuit._weight_error(weights, np.ones(3)) == 0
    assert circuit._weight_error(weights, np.array([1.0, 1.1, 1.0])) == pytest.approx(0.1)


def run(sources_w, **more):
    return {
        "energies_j": {
            "per_recall": 4e-9,
            "per_cycle": 2e-11,
            "delivered": 5e-9,
            "dissipated": {"tank_loss": 4e-9, "coupling": 0.9e-9},
            "stored_change": 0.1e-9,
        },
        "energy_method": "tank loss, a lower bound",
        "sources": [
            {
                "element": f"Bcore{k}",
                "role": "core",
                "behavioural": True,
                "ideal": False,
                "power_w": w,
            }
            for k, w in enumerate(sources_w)
        ],
        "duration_s": 1e-3,
        "power_w": 4e-6,
        "frequency_hz": 1e6,
        "settled_cycle": 40,
        **more,
    }


def part(runs, spec=None):
    result = {
        "kind": "lock",
        "runs": runs,
        "phase_rms_rad": 0.01,
        "seconds_per_run": 1.0,
        "warnings": ["warm"],
    }
    return circuit_part(spec or pair(), result)


def test_the_ledger_lists_what_delivers_what_heats_and_what_is_stored():
    rows = part([run([3e-6, 2e-6])])["circuit"]["ledger"]
    assert [row["name"] for row in rows] == [
        "core (2)",
        "Tank loss resistors",
        "Coupling resistors",
        "Capacitors and inductors",
    ]
    assert sum(row["energy_j"] for row in rows) == pytest.approx(0, abs=1e-15)
    assert rows[0]["energy_j"] == pytest.approx(5e-9)
    assert rows[0]["kind"] == "behavioural, delivers"


def test_a_weight_update_without_learning_has_a_reason_instead_of_a_figure():
    energy = part([run([5e-6])])["energy"]
    assert energy["energy_per_update_j"] is None
    assert "does not learn" in energy["energy_per_update_reason"]


def test_figures_of_several_runs_are_means_and_unsettled_ones_are_counted():
    found = part([run([5e-6]), run([5e-6], settled_cycle=None, power_w=8e-6)])
    assert found["energy"]["power_w"] == pytest.approx(6e-6)
    settled = next(q for q in found["circuit"]["quantities"] if q["name"] == "Settled after")
    assert settled["value"] == 40
    assert "1 of 2 runs settled" in settled["method"]
    assert "warm" in found["circuit"]["notes"]


def test_no_settled_run_leaves_no_settling_time():
    found = part([run([5e-6], settled_cycle=None)])
    settled = next(q for q in found["circuit"]["quantities"] if q["name"] == "Settled after")
    assert settled["value"] is None


def test_rings_say_that_they_are_not_detuned_and_neither_is_their_reference():
    ring = pair(circuit={"kind": "ring"})
    assert any("not detuned" in note for note in part([run([5e-6])], ring)["circuit"]["notes"])
    assert not any("not detuned" in note for note in part([run([5e-6])])["circuit"]["notes"])
    weights = np.array([[0, 15], [15, 0]])
    end = circuit.float_end(ring, weights, np.array([0.0, 1.0]))
    assert end[1] - end[0] == pytest.approx(0, abs=1e-6)
    end = circuit.float_end(pair(), weights, np.array([0.0, 1.0]))
    assert end[1] - end[0] == pytest.approx(math.asin(0.25), abs=1e-6)
