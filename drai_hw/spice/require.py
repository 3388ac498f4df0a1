"""Refusals of what is meant for one kind of coupling or core only."""

from __future__ import annotations

from drai_hw.errors import SpecError
from drai_hw.spice.settings import CORES, Circuit


def require_resistive(circuit: Circuit, what: str) -> None:
    """
    Refuse couplings with capacitors where only resistors are meant.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    what : str
        Who needs resistors, for the message.

    Raises
    ------
    SpecError
        ``circuit.coupling`` is not "resistive".
    """
    if circuit.coupling != "resistive":
        raise SpecError(
            f"circuit.coupling = {circuit.coupling!r}: {what} couplings of resistors only; needed "
            "is 'resistive'"
        )


def require_behavioural(circuit: Circuit, what: str) -> None:
    """
    Refuse drawn cores where only behavioural ones are meant.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    what : str
        Who needs them, for the message.

    Raises
    ------
    SpecError
        ``circuit.core`` is not "behavioural".
    """
    if circuit.core != CORES[0]:
        raise SpecError(
            f"circuit.core = {circuit.core!r}: {what} behavioural cores only; needed is "
            f"{CORES[0]!r}"
        )
