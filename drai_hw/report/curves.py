"""`python -m drai_hw.report.curves [--ngspice] [FOLDER]`: curves of tanks and memristors."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.files import write_together
from drai_hw.report.drawing import BLUE, GREY, RED, drawn_svg
from drai_hw.spice import Circuit, create
from drai_hw.spice.equations import waveforms
from drai_hw.spice.extraction.phase_response import Response, phase_response
from drai_hw.spice.memristors import MODELS, Model
from drai_hw.units import TAU

Floats = NDArray[np.float64]

FOLDER = Path("build/curves")
HARMONICS = 7
_STEPS = 500
"""Of a period of a memristor's drive, in which its state travels its range once or so."""


def orbit(circuit: Circuit, start_v: float) -> tuple[Floats, Floats]:
    """
    Return voltage and its slope over omega of one tank, by its equations.

    Parameters
    ----------
    circuit : Circuit
        Settings of the tank; ``cycles`` says how long.
    start_v : float
        Amplitude at the start.

    Returns
    -------
    voltage_v, slope_v : ndarray, shape (T,)
    """
    alone = create(np.zeros((1, 1)), circuit, start_phases=[0.0])
    time_s, voltage_v = waveforms(alone, start_v=start_v)
    slope = np.gradient(voltage_v[:, 0], time_s, edge_order=2) / (TAU * circuit.f0_hz)
    return voltage_v[:, 0], slope


def portrait_svg(circuit: Circuit) -> str:
    """Return the phase portrait of a tank: from a small and from a large start to its cycle."""

    def paint(figure: Any) -> None:
        panel = figure.subplots()
        for share, colour in ((0.2, BLUE), (1.8, RED)):
            voltage_v, slope_v = orbit(circuit, share * circuit.amplitude_v)
            panel.plot(voltage_v, slope_v, color=colour, linewidth=0.7,
                       label=f"start at {share:g} A")  # fmt: skip
        last = circuit.points_per_cycle + 1
        panel.plot(voltage_v[-last:], slope_v[-last:], color="#111", linewidth=1.6,
                   label="last period")  # fmt: skip
        panel.set(xlabel="v (V)", ylabel="dv/dt / ω (V)", aspect="equal", title="tank")
        panel.legend(frameon=False, fontsize=7, loc="upper right")

    return drawn_svg((4.6, 4.4), "portrait", paint)


def spectrum(voltage_v: Floats, points_per_cycle: int) -> tuple[Floats, Floats]:
    """
    Return the amplitude spectrum of a waveform that is sampled evenly, by a Hann window.

    Parameters
    ----------
    voltage_v : ndarray, shape (T,)
        Samples.
    points_per_cycle : int
        Of a nominal period.

    Returns
    -------
    frequency : ndarray
        In nominal frequencies.
    amplitude_v : ndarray
        Peak volt: a sine in the middle of a bin shows its amplitude.
    """
    window = np.hanning(voltage_v.size + 1)[:-1]
    found = np.abs(np.fft.rfft(window * voltage_v)) * 2.0 / window.sum()
    return np.asarray(np.fft.rfftfreq(voltage_v.size) * points_per_cycle, np.float64), found


def spectrum_svg(circuit: Circuit) -> str:
    """Return the spectrum of a settled tank: the second half of ``circuit.cycles`` periods."""
    voltage_v, _ = orbit(circuit, circuit.amplitude_v)
    kept = voltage_v[-(circuit.cycles // 2) * circuit.points_per_cycle :]
    frequency, amplitude_v = spectrum(kept, circuit.points_per_cycle)

    def paint(figure: Any) -> None:
        panel = figure.subplots()
        shown = frequency <= HARMONICS + 0.5
        decibel = 20.0 * np.log10(np.maximum(amplitude_v[shown] / circuit.amplitude_v, 1e-9))
        panel.plot(frequency[shown], decibel, color=BLUE, linewidth=0.8)
        panel.set(xlabel=f"frequency ({circuit.f0_hz:g} Hz)", ylabel="amplitude (dB of A)",
                  title="spectrum of a tank", xticks=range(HARMONICS + 1))  # fmt: skip

    return drawn_svg((5.6, 3.2), "spectrum", paint)


def loop(model: Model, peak_v: float, frequency_hz: Floats, periods: int = 2
         ) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """
    Return voltage, current and state of a memristor in the last period of a sine.

    Parameters
    ----------
    model : Model
        The device, from its start state.
    peak_v : float
        Of the drive.
    frequency_hz : ndarray, shape (F,)
        Frequencies of the drive, each with a device of its own.
    periods : int
        To drive it for, at least 1.

    Returns
    -------
    voltage_v, current_a, state : ndarray, shape (501, F)
    """
    step_s = 1.0 / (np.asarray(frequency_hz) * _STEPS)

    def drive_v(step: float) -> float:
        return peak_v * math.sin(TAU * step / _STEPS)

    states = [np.full(step_s.shape, model.values()["x0"])]
    for k in range(periods * _STEPS):
        x = states[-1]
        # midpoint rule; the bounds are the model's own
        half = np.clip(x + 0.5 * step_s * model.rate_per_s(drive_v(k), x), 0.0, 1.0)
        full = x + step_s * model.rate_per_s(drive_v(k + 0.5), half)
        states.append(np.clip(full, 0.0, 1.0))
    state = np.array(states[-_STEPS - 1 :])
    voltage_v = np.array([[drive_v(k)] * step_s.size for k in range(_STEPS + 1)])
    voltage_v[[0, _STEPS // 2, _STEPS]] = 0.0  # not what rounding makes of it
    return voltage_v, model.current_a(voltage_v, state), state


def drive(model: Model) -> tuple[float, float]:
    """
    Return peak and frequency of a sine that moves a device visibly.

    Parameters
    ----------
    model : Model
        The device.

    Returns
    -------
    peak_v : float
        1 V, or twice the lower threshold where there is one.
    frequency_hz : float
        At which the drive, on a state held at x0, would move it by a quarter within a period, all
        movements counted without their sign: at lower ones some devices end at a rail.
    """
    peak_v = 2.0 * model.lower_threshold_v() or 1.0
    wave_v = peak_v * np.sin((np.arange(_STEPS) + 0.5) * TAU / _STEPS)
    pace = float(np.abs(model.rate_per_s(wave_v, model.values()["x0"])).mean())
    if pace == 0:
        raise SpecError(
            f"{model.name}: {peak_v:g} V does not move it; needed is a model that moves"
        )
    return peak_v, 4.0 * pace


def hysteresis_svg(models: dict[str, Model]) -> str:
    """Return the pinched loops of devices, at a frequency of each (`drive`) and ten times that."""

    def paint(figure: Any) -> None:
        columns = min(4, len(models))
        panels = figure.subplots(math.ceil(len(models) / columns), columns, squeeze=False)
        for panel in panels.flat[len(models) :]:
            panel.axis("off")
        for panel, model in zip(panels.flat, models.values(), strict=False):
            peak_v, slow_hz = drive(model)
            both_hz = np.array([slow_hz, 10.0 * slow_hz])
            voltage_v, current_a, _ = loop(model, peak_v, both_hz)
            for k, colour in enumerate((BLUE, RED)):
                panel.plot(voltage_v[:, k], 1e6 * current_a[:, k], color=colour, linewidth=0.9,
                           label=f"{both_hz[k]:.2g} Hz")  # fmt: skip
            panel.axhline(0, color=GREY, linewidth=0.4)
            panel.axvline(0, color=GREY, linewidth=0.4)
            panel.set_title(model.name, fontsize=9)
            panel.set(xlabel="v (V)", ylabel="i (µA)")
            panel.legend(frameon=False, fontsize=7)

    return drawn_svg((10.4, 2.6 * math.ceil(len(models) / 4)), "hysteresis", paint)


def phase_response_svg(response: Response, title: str) -> str:
    """
    Return the phase-response curve of a node: the measured kicks, and their Fourier series.

    The series has the kick's width taken off, so it lies a little outside the points.

    Parameters
    ----------
    response : Response
        Of `drai_hw.spice.extraction.phase_response`.
    title : str
        Above the curve.
    """

    def paint(figure: Any) -> None:
        panel = figure.subplots()
        theta = np.linspace(0.0, TAU, 181)
        k = np.arange(response.response_c.size)
        turned = np.exp(1j * np.outer(theta, k)) @ (np.where(k > 0, 2.0, 1.0) * response.response_c)
        panel.plot(np.degrees(theta), 1e-9 * turned.real, color=BLUE, linewidth=1.0)
        panel.plot(np.degrees(response.theta_rad), 1e-9 * response.response, "o", color=RED,
                   markersize=3.5)  # fmt: skip
        panel.axhline(0, color=GREY, linewidth=0.4)
        panel.set(xlabel="phase of the kick (degrees)", ylabel="phase shift per charge (rad/nC)",
                  title=title, xticks=range(0, 361, 90))  # fmt: skip

    return drawn_svg((5.0, 3.2), "response", paint)


def main(arguments: list[str]) -> int:
    """Draw all curves; with ``--ngspice`` also the phase-response curves of tank and ring.

    Parameters
    ----------
    arguments : list of str
        Optional ``--ngspice``, optional folder.
    """
    names = [argument for argument in arguments if argument != "--ngspice"]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        print(f"{' '.join(names)}: needed is [--ngspice] [FOLDER]", file=sys.stderr)
        return 2
    folder = Path(names[0]) if names else FOLDER
    tank = Circuit(cycles=60, points_per_cycle=100)
    made: dict[Path, str | bytes] = {
        folder / "phase-portrait.svg": portrait_svg(tank),
        folder / "spectrum.svg": spectrum_svg(tank),
        folder / "hysteresis.svg": hysteresis_svg(MODELS),
    }
    if "--ngspice" in arguments:
        for circuit in (
            Circuit(kind="lc", points_per_cycle=100),
            Circuit(kind="ring", points_per_cycle=200),
        ):
            path = folder / f"phase-response-{circuit.kind}.svg"
            made[path] = phase_response_svg(phase_response(circuit), circuit.kind)
    write_together(made)
    for path in made:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
