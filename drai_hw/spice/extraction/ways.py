"""Circuit to phase model, by three ways side by side, with what each may differ and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.spice.extraction.closed_form import closed_form
from drai_hw.spice.extraction.nulling import null_lag
from drai_hw.spice.extraction.pair import Judged, Pair, pair_transient
from drai_hw.spice.extraction.pairs import Pairs, pairs_transient
from drai_hw.spice.extraction.phase_response import Response, phase_response
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.ring import single_ended, tap_rad
from drai_hw.spice.settings import Circuit, CircuitLike, check_circuit, settings_of
from drai_hw.units import TAU

PAIR_RHO = {"lc": 0.05, "ring": 0.01}
PAIRS_RHO = {"lc": 0.02, "ring": 0.01}
LOCKING_LAG_RAD = math.radians(30)
"""Beyond it a pair's relaxation is slow beside what amplitudes do: several pairs are watched."""
LEAST_POINTS = {"lc": 100, "ring": 200}
SLOPE_LIMIT = 0.01
VALID_LIMIT = 0.05
HARMONIC_LIMIT = 0.06
"""Of what amplitudes add to H of tanks that do not lock by it: rho/(2 (gain - 1)) sin 2 psi of
capacitors, which locks pairs that the phase model lets drift."""
RHO_HIGHEST = 0.5

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Check:
    """
    One comparison of two ways.

    Parameters
    ----------
    quantity, between : str
        What was compared, and which two ways.
    difference, tolerance : float
        Absolute difference (relative where the quantity says so) and what is allowed.
    reason : str
        Where the allowed difference comes from.
    """

    quantity: str
    between: str
    difference: float
    tolerance: float
    reason: str

    @property
    def holds(self) -> bool:
        """Return whether the difference is within the tolerance."""
        return bool(abs(self.difference) <= self.tolerance)


@dataclass(frozen=True)
class Extraction:
    """
    Hold the phase model of a circuit.

    Parameters
    ----------
    circuit : Circuit
        Settings, with the points per period that were used.
    closed, response, pair : PhaseMap, Response, Pair or Pairs
        The three ways.
    judged : Judged
        How well the phase response predicts the pair transient.
    at_rho : Judged
        The same for a pair as strong as the whole row sum of the network.
    negative : Judged or None
        The same for a weak pair of negative weight, where its branches are not those of a positive
        one turned by half a turn: in single-ended rings.
    checks : tuple of Check
        Comparisons.
    """

    circuit: Circuit
    closed: PhaseMap
    response: Response
    pair: Pair | Pairs
    judged: Judged
    at_rho: Judged
    negative: Judged | None
    checks: tuple[Check, ...]

    @property
    def best(self) -> PhaseMap:
        """Return the map to use: that of the phase response, which holds for weak coupling."""
        return self.response.map

    @property
    def failures(self) -> list[str]:
        """Return why the map must not be used, one sentence each; empty when it may."""
        said = [
            f"{c.quantity}, {c.between}: differ by {c.difference:.3g}, allowed is {c.tolerance:.3g}"
            f" ({c.reason})"
            for c in self.checks
            if not c.holds
        ]
        off = self.at_rho.slope - 1.0
        if not abs(off) <= VALID_LIMIT:
            said.append(
                f"at rho {self.circuit.rho:g} a pair is {100 * off:+.1f} % off the phase model, "
                f"which is for weak coupling; needed is {100 * VALID_LIMIT:g} % at most: lower rho"
            )
        added = self.at_rho.list_error or 0.0
        if self.circuit.kind == "lc" and added > HARMONIC_LIMIT:
            said.append(
                f"at rho {self.circuit.rho:g} amplitudes add {100 * added:.0f} % of H as another "
                f"harmonic; needed is {100 * HARMONIC_LIMIT:g} % at most: lower rho, or predict "
                "with predict_amplitudes"
            )
        return said

    def _null_lag(self) -> dict[str, str | float] | None:
        """Return the keys of ``[circuit]`` that null the lag, None where no capacitor does."""
        try:
            nulled = null_lag(self.circuit, self.best)
        except SpecError:
            return None
        return {"coupling": nulled.coupling, "coupling_rad": round(nulled.coupling_rad, 6)}

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON-ready values."""
        best, kind = self.best, self.circuit.kind
        return {
            "circuit": kind,
            "omega_rad_per_s": TAU * best.frequency_hz,
            "amplitude_v": best.amplitude_v,
            "w_per_siemens_rad_per_s": best.sine[0],
            "unit_per_siemens_rad_per_s": best.unit_per_siemens,
            "sine": list(best.coupling.sine),
            "cosine": list(best.coupling.cosine),
            "lag_rad": best.lag_rad,
            "even_odd_ratio": best.even_odd_ratio,
            "k_s_per_ampere_rad_per_s": best.shil_per_ampere,
            "k_s_per_pumped_siemens_rad_per_s": best.pump_per_siemens,
            "ways": {m.way: m.summary() for m in (self.closed, self.response.map, self.pair.map)},
            "prediction": asdict(self.judged),
            "negative_prediction": None if self.negative is None else asdict(self.negative),
            "kick_asymmetry": self.response.asymmetry,
            "checks": [asdict(c) | {"holds": c.holds} for c in self.checks],
            "validity": {
                "holds": not self.failures,
                "rho": self.circuit.rho,
                "slope_error_at_rho": self.at_rho.slope - 1.0,
                "slope_error_limit": VALID_LIMIT,
                "reasons": self.failures,
            },
            "pair_rho": pair_rho(kind, best),
            "points_per_cycle": self.circuit.points_per_cycle,
            "network_keys": {"dynamics": best.network_keys()},
            "null_lag": self._null_lag(),
        }


def pair_rho(kind: str, response: PhaseMap) -> float:
    """
    Return the strength of the pair, or of each of several, that a phase map is compared with.

    Parameters
    ----------
    kind : str
        Of the circuit.
    response : PhaseMap
        By phase response.
    """
    return (PAIRS_RHO if does_not_lock(response) else PAIR_RHO)[kind]


def does_not_lock(response: PhaseMap) -> bool:
    """Return whether several pairs have to be watched, as one pair would not lock in phase."""
    return abs(response.lag_rad) > LOCKING_LAG_RAD


def require_weak(circuit: Circuit) -> None:
    """
    Refuse what no phase model can describe, before anything is simulated.

    Raises
    ------
    SpecError
        rho is beyond what can be weak coupling, or a setting is out of range.
    """
    check_circuit(circuit)
    if circuit.rho > RHO_HIGHEST:
        raise SpecError(
            f"circuit.rho = {circuit.rho!r}: extraction needs {RHO_HIGHEST} at most; beyond it "
            "coupling moves amplitudes as much as phases and there is no phase model to extract"
        )


def extract(
    circuit: CircuitLike, *, timeout_s: float = 1800.0, tell: Tell | None = None
) -> Extraction:
    """
    Return the phase model of a circuit by closed form, phase response and pair transient.

    Parameters
    ----------
    circuit : CircuitLike
        Settings; points per period are raised to 100 (tanks) or 200 (rings).
    timeout_s : float
        Wall-clock limit of each run of ngspice.
    tell : callable, optional
        Called with the finished fraction and what is being done.

    Raises
    ------
    SpecError
        Settings out of range, coupling too strong for a phase model, a core too strong for its Q.
    ConvergenceError, ToolError
        The circuit does not oscillate or lock, or ngspice failed.
    """
    settings = settings_of(circuit)
    require_weak(settings)
    kind = settings.kind
    settings = replace(
        settings, points_per_cycle=max(settings.points_per_cycle, LEAST_POINTS[kind])
    )

    def stage(start: float, share: float, what: str) -> Callable[[float], None] | None:
        return (lambda done: tell(start + share * done, what)) if tell else None

    closed = closed_form(settings)
    response = phase_response(
        settings, timeout_s=timeout_s, progress=stage(0.0, 0.5, "phase response")
    )
    weak = replace(settings, rho=pair_rho(kind, response.map))
    transient: Callable[..., Pair | Pairs] = (
        pairs_transient if does_not_lock(response.map) else pair_transient
    )
    pair = transient(
        weak, response.map, timeout_s=timeout_s, progress=stage(0.5, 0.4, "pair transient")
    )
    strong = transient(
        settings, response.map, timeout_s=timeout_s,
        progress=stage(0.9, 0.1, "pair at the network's strength"),
    )  # fmt: skip
    judged, negative = pair.judge(response.map), None
    if single_ended(settings):
        opposed = transient(weak, response.map, sign=-1, timeout_s=timeout_s)
        negative = opposed.judge(response.map.crossed(tap_rad(settings)))
    return Extraction(
        circuit=settings,
        closed=closed,
        response=response,
        pair=pair,
        judged=judged,
        at_rho=strong.judge(response.map),
        negative=negative,
        checks=compare(settings, closed, response.map, pair.map, judged, negative),
    )


def _ratio(value: float | None, reference: float | None) -> float:
    return math.nan if value is None or reference is None else value / reference


def compare(
    circuit: Circuit, closed: PhaseMap, response: PhaseMap, pair: PhaseMap, judged: Judged,
    negative: Judged | None = None,
) -> tuple[Check, ...]:  # fmt: skip
    """
    Compare the three ways.

    Parameters
    ----------
    circuit : Circuit
        Settings that were simulated.
    closed, response, pair : PhaseMap
        The three ways.
    judged : Judged
        The pair transient against the phase response.
    negative : Judged, optional
        The same for a negative weight.

    Returns
    -------
    tuple of Check
        Every difference with what is allowed and the physical reason for it.
    """
    points, rho = circuit.points_per_cycle, pair_rho(circuit.kind, response)
    both, formulae = "phase response against pair", "closed form against phase response"
    trapezoidal = (TAU / points) ** 2 / 12.0
    amplitude = _ratio(response.amplitude_v, closed.amplitude_v) - 1.0
    found = [
        Check("pair prediction, slope", both, judged.slope - 1.0, SLOPE_LIMIT,
              "second order in the coupling"),
        Check("w, relative", both, pair.first_per_siemens / response.first_per_siemens - 1.0,
              SLOPE_LIMIT, "second order in the coupling"),
    ]  # fmt: skip
    if circuit.kind == "lc":
        eps = (circuit.gain - 1.0) / circuit.q
        weak = f"amplitudes sag while the pair is out of phase, by rho = {rho:g} of their surplus"
        rule = f"trapezoidal rule at {points} points a period"
        found += [
            Check("lag, rad", both, pair.lag_rad - response.lag_rad, 2.0 * rho * eps / 4.0, weak),
            Check("frequency, relative", formulae, response.frequency_hz / closed.frequency_hz - 1,
                  1.1 * trapezoidal + eps**4, f"{rule} and eps^4"),
            Check("w, relative", formulae,
                  response.first_per_siemens / closed.first_per_siemens - 1.0,
                  1.1 * (math.pi / points) ** 2 + eps**2 / 10.0, f"{rule} and eps^2"),
            Check("lag, rad", formulae, response.lag_rad - closed.lag_rad,
                  eps / 4.0 * (0.01 + eps), f"{rule} and eps^2"),
            Check("amplitude, relative", formulae, amplitude,
                  eps**2 / 2.0 + 1e-3, "eps^2, and Newton's tolerance"),
        ]  # fmt: skip
    else:
        found += [
            Check("lag, rad", both, pair.lag_rad - response.lag_rad, math.radians(0.5),
                  "second order in the coupling"),
            Check("frequency, relative", formulae, response.frequency_hz / closed.frequency_hz - 1,
                  0.03, "stage delay 0.97 C VDD / I, measured at 1.8 V to 1 %"),
            Check("amplitude, relative", formulae, amplitude,
                  0.06, "edges are no straight lines"),
        ]  # fmt: skip
    if negative is not None:
        found.append(
            Check("pair prediction of a negative weight, slope", both, negative.slope - 1.0,
                  SLOPE_LIMIT, "second order in the coupling")
        )  # fmt: skip
    return tuple(found)
