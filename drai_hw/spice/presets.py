"""Circuits by the name of a preset of the network file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.spec.presets import CIRCUIT_PRESETS
from drai_hw.spice.settings import Circuit


def preset(name: str, **changes: Any) -> Circuit:
    """
    Return the circuit of a preset of the network file: "board", the defaults, or "ghz".

    Parameters
    ----------
    name : str
        Of the preset.
    **changes
        Other settings by name.

    Raises
    ------
    SpecError
        No such preset.
    """
    if name not in CIRCUIT_PRESETS:
        raise SpecError(f"preset {name!r}: needed is one of {', '.join(CIRCUIT_PRESETS)}")
    return replace(Circuit(), **{**CIRCUIT_PRESETS[name], **changes})
