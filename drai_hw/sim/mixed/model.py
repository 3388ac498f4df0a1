"""The phase model with the same exchange: meters, rule and clock, without circuit and RTL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drai_hw.sim.mixed.circuit import kappa_rad_per_s
from drai_hw.sim.mixed.exchange import Exchanger
from drai_hw.sim.mixed.meter import Latched, edge_of, phase_word
from drai_hw.sim.mixed.settings import Mixed
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU

STEPS_PER_PERIOD = 4


@dataclass(frozen=True)
class ModelRun:
    """
    Hold what the model did.

    Parameters
    ----------
    weights : ndarray of int, shape (K + 1, pairs)
        At the start and after every exchange.
    phases_rad : ndarray, shape (K, N)
        Of the latched crossings, in the frame of the mean free-running frequency.
    """

    weights: np.ndarray
    phases_rad: Floats


def crossing_phase(mixed: Mixed, crossings_s: Floats, free_hz: float) -> Floats:
    """
    Return the phases of rising crossings in the frame of the mean free-running frequency.

    Oscillators cross up to a period apart: in the frame of the clock, a difference of phases would
    hold what both drift in that time.

    Parameters
    ----------
    mixed : Mixed
        The experiment.
    crossings_s : ndarray, shape (K, N)
        Times of crossings.
    free_hz : float
        Frequency of one tank alone.
    """
    mean_hz = free_hz * (1.0 + float(np.mean(mixed.detuning)))
    return np.asarray(-TAU / 4 - TAU * mean_hz * crossings_s)


def run_model(
    mixed: Mixed, free_hz: float, clocks: int, given: Sequence[Sequence[int]] | None = None
) -> ModelRun:
    """
    Integrate ``phi_i' = omega_i + kappa sum_j w_ij sin(phi_j - phi_i)`` with weights that learn.

    Fourth-order Runge-Kutta, 4 steps a period, in which no phase moves by more than 0.03 rad; steps
    end on exchanges and on the edges where weights change. The coupling function of the tanks is a
    sine and their second-harmonic term is 0 (no pump), by the closed form of the design.

    Parameters
    ----------
    mixed : Mixed
        The experiment.
    free_hz : float
        Frequency of one tank alone, measured with the solver settings of the run.
    clocks : int
        Clocks from an exchange to the change of the weights.
    given : sequence, optional
        Weights after every exchange, to be used instead of learning one's own.
    """
    exchanger = Exchanger(mixed)
    index = np.array(exchanger.pairs)
    kappa = kappa_rad_per_s(mixed.circuit, mixed.n, mixed.formats.w_max)
    omega = TAU * (free_hz * (1.0 + np.array(mixed.detuning)) - mixed.circuit.f0_hz)
    level = np.arcsin(0.5 * mixed.hysteresis_v / mixed.circuit.amplitude_v) - TAU / 4

    def matrix(weights: Sequence[int]) -> Floats:
        out = np.zeros((mixed.n, mixed.n))
        out[index[:, 0], index[:, 1]] = out[index[:, 1], index[:, 0]] = kappa * np.array(weights)
        return out

    def speed(phi: Floats, w: Floats) -> Floats:
        return np.asarray(omega + (w * np.sin(phi[None, :] - phi[:, None])).sum(axis=1))

    phi, weights = np.array(mixed.start_phases_rad), list(mixed.start_weights)
    history, latched = [tuple(weights)], []
    active = matrix(weights)
    last: list[list[Latched]] = [[] for _ in range(mixed.n)]
    time_s, turns = 0.0, np.floor((phi - level) / TAU)
    for number in range(mixed.exchanges):
        edge = (number + 1) * mixed.exchange_clocks
        stretches = [(edge, matrix(weights))]
        if number:
            stretches.insert(0, (edge - mixed.exchange_clocks + clocks, active))
        for end_edge, w in stretches:
            end_s = end_edge / mixed.clock_hz
            steps = max(1, round((end_s - time_s) * mixed.circuit.f0_hz * STEPS_PER_PERIOD))
            dt = (end_s - time_s) / steps
            for _ in range(steps):
                a = speed(phi, w)
                b = speed(phi + 0.5 * dt * a, w)
                c = speed(phi + 0.5 * dt * b, w)
                d = speed(phi + dt * c, w)
                new = phi + dt / 6.0 * (a + 2 * b + 2 * c + d)
                start = TAU * mixed.circuit.f0_hz * time_s + phi - level
                end = TAU * mixed.circuit.f0_hz * (time_s + dt) + new - level
                for i in np.flatnonzero(np.floor(end / TAU) > turns):
                    share = (TAU * np.floor(end[i] / TAU) - start[i]) / (end[i] - start[i])
                    at_s = float(time_s + share * dt)
                    last[i] = [*last[i][-1:], Latched(edge_of(at_s, mixed.clock_hz), at_s)]
                turns = np.maximum(turns, np.floor(end / TAU))
                phi, time_s = new, time_s + dt
            time_s = end_s
        held = [[x for x in two if x.edge < edge][-1] for two in last]
        latched.append([x.crossing_s for x in held])
        words = [phase_word(x.edge, mixed.clock_ratio, mixed.formats.phase_bits) for x in held]
        active = matrix(weights)
        if given is None:
            for _ in range(mixed.passes):
                weights = exchanger.by_rule(exchanger.inputs(words, weights))
        else:
            weights = list(given[number])
        history.append(tuple(weights))
    return ModelRun(np.array(history), crossing_phase(mixed, np.array(latched), free_hz))
