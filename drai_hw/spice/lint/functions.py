"""Functions and constants of LTspice, PSpice and HSPICE in ngspice's words."""

from __future__ import annotations

from collections.abc import Callable

_TAKEN = """
abs acos acosh agauss asin asinh atan atanh aunif ceil cos cosh ddt eq0 exp floor gauss ge0 gt0 le0
limit ln log log10 lt0 max min ne0 nint pow pwl pwr sgn sin sinh sqrt tan tanh u u2 unif uramp v i
"""
KNOWN = frozenset(_TAKEN.split())
"""Functions that ngspice 39 takes in a behavioural source; each was run."""

CONSTANTS = {
    "boltz": "1.380649e-23", "echarge": "1.602176634e-19", "kelvin": "(-273.15)",
    "planck": "6.62607015e-34", "temp": "temper",
}  # fmt: skip
"""Names that the others know and ngspice 39 does not, in an expression."""

NAMES = frozenset({"pi", "e", "time", "temper", "hertz", "true", "false"})
"""Names in expressions that need no definition."""


def _nest(name: str) -> Callable[[list[str]], str | None]:
    def text(a: list[str]) -> str | None:
        if len(a) < 2:
            return None
        nested = a[-1]
        for each in reversed(a[:-1]):
            nested = f"{name}({each},{nested})"
        return nested

    return text


def _takes(count: int, form: str) -> Callable[[list[str]], str | None]:
    return lambda a: form.format(*a) if len(a) == count else None


def _if(a: list[str]) -> str | None:
    return f"(({a[0]})?({a[1]}):({a[2]}))" if len(a) == 3 else None


def _sign(a: list[str]) -> str | None:
    if len(a) == 1:
        return f"sgn({a[0]})"
    return f"(abs({a[0]})*sgn({a[1]}))" if len(a) == 2 else None


# 1e-30: the derivative of a root at 0 is infinite, and ngspice stops there
REWRITTEN: dict[str, Callable[[list[str]], str | None]] = {
    "if": _if,
    "stp": _takes(1, "u({0})"),
    "buf": _takes(1, "u(({0})-0.5)"),
    "inv": _takes(1, "(1-u(({0})-0.5))"),
    "table": lambda a: f"pwl({','.join(a)})" if len(a) >= 5 and len(a) % 2 else None,
    "pwrs": _takes(2, "(sgn({0})*pow(abs({0})+1e-30,{1}))"),
    "hypot": _takes(2, "sqrt(({0})*({0})+({1})*({1}))"),
    "arctan": _takes(1, "atan({0})"),
    "arcsin": _takes(1, "asin({0})"),
    "arccos": _takes(1, "acos({0})"),
    "int": _takes(1, "(sgn({0})*floor(abs({0})))"),
    "round": _takes(1, "nint({0})"),
    "fabs": _takes(1, "abs({0})"),
    "sign": _sign,
    "square": _takes(1, "(({0})*({0}))"),
    "sqr": _takes(1, "(({0})*({0}))"),
    "cbrt": _takes(1, "(sgn({0})*pow(abs({0})+1e-30,1/3))"),
    "exp10": _takes(1, "pow(10,{0})"),
    "mod": _takes(2, "(({0})-({1})*floor(({0})/({1})))"),
    "frac": _takes(1, "(({0})-floor({0}))"),
    "ceiling": _takes(1, "ceil({0})"),
    "dnlim": _takes(3, "max({0},{1})"),
    "uplim": _takes(3, "min({0},{1})"),
    "cot": _takes(1, "(1/tan({0}))"),
    "sec": _takes(1, "(1/cos({0}))"),
}
"""Functions that are put in ngspice's words; None where the number of arguments is wrong."""

NESTED = {"max": _nest("max"), "min": _nest("min")}
"""Functions of two arguments in ngspice, which crashes on more."""

INTEGRALS = frozenset({"sdt", "idt"})

HOPELESS = {
    "delay": "a transmission line (T element) delays a voltage",
    "absdelay": "a transmission line (T element) delays a voltage",
    "white": "a source V.. 0 0 trnoise(...) makes noise",
    "rand": "a source V.. 0 0 trrandom(...) draws numbers",
    "random": "a source V.. 0 0 trrandom(...) draws numbers",
    "atan2": "write atan(y/x) where x keeps its sign",
    "idtmod": "integrate by a capacitor and take the remainder where it is used",
}
"""Functions that only the author can replace, with how."""
