"""A memristor as equations: one text for the ngspice subcircuit and for evaluation in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.pyspice import digits
from drai_hw.spice.settings import Floats

SAFE_SHARE = 0.8
"""Of the lower threshold: the largest voltage of a device that must keep its state."""

Values = Mapping[str, float]

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "sinh": np.sinh, "tanh": np.tanh, "pow": np.power,
    "max": np.maximum, "min": np.minimum, "u": lambda x: np.heaviside(x, 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """
    Describe a parameter of a model.

    Parameters
    ----------
    name : str
        In the subcircuit, lower case.
    value : float
        Of the published set.
    unit : str
        SI unit, 1 for a pure number.
    meaning : str
        A few words.
    """

    name: str
    value: float
    unit: str
    meaning: str


@dataclass(frozen=True)
class Model:
    """
    Hold the equations of a device with one state x from 0 to 1.

    ``current`` and ``rate`` use the voltage ``v`` across the device, the state ``x``, the current
    ``i`` (in ``rate`` only), the parameters and the functions that ngspice and this module share:
    exp, sinh, tanh, pow (base >= 0), max, min, u (unit step). ngspice has no other that is safe in
    all its versions.

    Parameters
    ----------
    name : str
        Of the subcircuit.
    title : str
        One line.
    source : str
        Publication of equations and parameter set.
    state : str
        What x stands for.
    parameters : tuple of Parameter
        The last one is x0, the state at the start.
    current : str
        Ampere.
    rate : str
        dx/dt in 1/s, without the bounds.
    threshold : callable, optional
        Returns the lower threshold in volt from the parameters: below it the state moves little or
        not at all. None: any voltage moves it.
    """

    name: str
    title: str
    source: str
    state: str
    parameters: tuple[Parameter, ...]
    current: str
    rate: str
    threshold: Callable[[Values], float] | None = None

    def values(self, **changes: float) -> dict[str, float]:
        """
        Return all parameters by name, some of them changed.

        Raises
        ------
        SpecError
            A name that the model lacks, a number that is not finite, or x0 outside 0 to 1.
        """
        found = {parameter.name: parameter.value for parameter in self.parameters}
        for name, value in changes.items():
            if name not in found:
                raise SpecError(f"{self.name} has no parameter {name!r}; it has {', '.join(found)}")
            if not np.isfinite(value):
                raise SpecError(f"{self.name}: {name} = {value}; needed is a finite number")
            found[name] = float(value)
        if not 0 <= found["x0"] <= 1:
            raise SpecError(f"{self.name}: x0 = {found['x0']:g}; needed is 0 to 1 ({self.state})")
        return found

    def current_a(self, v: ArrayLike, x: ArrayLike, **changes: float) -> Floats:
        """Return the current in ampere at a voltage and a state."""
        return self._evaluate(self.current, v, x, self.values(**changes))

    def rate_per_s(self, v: ArrayLike, x: ArrayLike, **changes: float) -> Floats:
        """Return dx/dt, with its bounds: x leaves neither 0 nor 1."""
        rate = self._evaluate(self.rate, v, x, self.values(**changes))
        state = np.asarray(x)
        return np.where(rate > 0, rate * (state < 1), rate * (state > 0))

    def _evaluate(self, text: str, v: ArrayLike, x: ArrayLike, values: Values) -> Floats:
        names: dict[str, Any] = {
            **values, "v": np.asarray(v, float), "x": np.clip(np.asarray(x, float), 0, 1)
        }  # fmt: skip
        if re.search(r"\bi\b", text):
            names["i"] = self._evaluate(self.current, v, x, values)
        # the texts are constants of this package, never input
        return np.asarray(eval(text, {"__builtins__": {}, **_FUNCTIONS}, names))

    def subcircuit(self, *, cycles: bool = False) -> str:
        """
        Return the ngspice subcircuit.

        Nodes p, n and the state ``x``, which can be saved as ``v(<instance>.x)``. An operating
        point keeps the state x0 (the rate is 0 at time 0), so it always exists, and a run needs no
        ``uic``; the state is bounded; nothing divides by what can be 0.

        Parameters
        ----------
        cycles : bool
            Add variation from cycle to cycle: the rate is multiplied by a log-normal number, drawn
            anew every ``tcycle`` seconds, whose logarithm has the standard deviation ``c2c``.
        """
        more = (
            [Parameter("c2c", 0.1, "1", ""), Parameter("tcycle", 1e-6, "s", "")] if cycles else []
        )
        given = " ".join(f"{p.name}={p.value:.12g}" for p in (*self.parameters, *more))
        rate = f"({self.rate})"
        if cycles:
            rate = f"{rate}*exp(c2c*v(z)-0.5*c2c*c2c)"
        current = _spice(self.current)
        inner = _spice(re.sub(r"\bi\b", f"({self.current})", rate))
        lines = [
            f".subckt {self.name} p n params: {given}",
            f"* x: {self.state}",
            f"bi p n i={current}",
            "bx x 0 v=max(0,min(1,x0+v(s)))",
            f"bu 0 s i=(time>0)*(x0+v(s)<1)*max(0,{inner})",
            f"bd 0 s i=(time>0)*(x0+v(s)>0)*min(0,{inner})",
            "cs s 0 1",
            "rs s 0 1e12",
        ]
        if cycles:
            lines += ["vz z 0 dc 0 trrandom(2 {tcycle} 0 1 0)", "rz z 0 1"]
        return "\n".join([*lines, f".ends {self.name}", ""])

    def instance(self, name: str, plus: str, minus: str, **changes: float) -> str:
        """Return the line that calls the subcircuit with some parameters changed."""
        self.values(**changes)
        words = "".join(f" {key}={digits(value):.12g}" for key, value in changes.items())
        return f"x{name} {plus} {minus} {self.name}{words}"

    def lower_threshold_v(self, **changes: float) -> float:
        """Return the lower threshold in volt, 0 for a model without one."""
        return 0.0 if self.threshold is None else self.threshold(self.values(**changes))

    def check_branch(self, largest_v: float, **changes: float) -> None:
        """
        Refuse a device that has to keep its state but sees too much voltage.

        Raises
        ------
        SpecError
            ``largest_v``, the largest voltage of the branch without its sign, is not below 0.8 of
            the lower threshold.
        """
        threshold_v = self.lower_threshold_v(**changes)
        if largest_v >= SAFE_SHARE * threshold_v:
            raise SpecError(
                f"{self.name}: {largest_v:.4g} V across a device that must keep its state; needed "
                f"is less than {SAFE_SHARE * threshold_v:.4g} V ({SAFE_SHARE:g} of its lower "
                f"threshold, {threshold_v:.4g} V): lower the amplitude (nodes in anti-phase put "
                "the sum of theirs across it), put devices in series, or take a device with a "
                "higher threshold"
            )


def _spice(text: str) -> str:
    """Return an expression with the device's voltage and state as ngspice names them."""
    text = re.sub(r"\bv\b(?!\()", "v(p,n)", text)
    return re.sub(r"\bx\b", "v(x)", re.sub(r"\s+", "", text))


def varied(
    model: Model, count: int, rng: np.random.Generator, sigmas: Mapping[str, float]
) -> list[dict[str, float]]:
    """
    Return parameters of devices that differ from one another.

    Parameters
    ----------
    model : Model
        The model.
    count : int
        Devices.
    rng : Generator
        Draws one number for each device and parameter.
    sigmas : mapping of str to float
        Standard deviation of a parameter's logarithm, >= 0; the mean stays (log-normal).

    Returns
    -------
    list of dict
        For `Model.instance`.
    """
    base = model.values()
    for name, sigma in sigmas.items():
        if name not in base or name == "x0":
            raise SpecError(f"{model.name} has no parameter {name!r} that could vary")
        if not sigma >= 0:
            raise SpecError(f"{model.name}: sigma of {name} = {sigma:g}; needed is 0 or more")
    draws = {
        name: base[name] * np.exp(sigma * rng.standard_normal(count) - 0.5 * sigma**2)
        for name, sigma in sigmas.items()
    }
    return [{name: float(drawn[k]) for name, drawn in draws.items()} for k in range(count)]


def library(models: Sequence[Model]) -> str:
    """Return a library file: for each model its source and parameters, then the subcircuit."""
    lines = [
        "* Memristor models for ngspice, written from the published equations.",
        "* Made by: python -m drai_hw.spice.memristors",
        "* This generated file belongs to whoever made it; use it under any terms.",
    ]
    for model in models:
        lines += ["*", f"* {model.name}: {model.title}", f"* Source: {model.source}"]
        threshold = model.lower_threshold_v()
        if threshold:
            lines.append(f"* Lower threshold: {threshold:.6g} V")
        lines += [f"*   {p.name} = {p.value:.12g} {p.unit}: {p.meaning}" for p in model.parameters]
        lines.append(model.subcircuit().rstrip("\n"))
    return "\n".join([*lines, ""])
