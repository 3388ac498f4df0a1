"""Amaranth components of the oscillator core, and their emission as Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drai_hw.model.numbers import Formats
    from drai_hw.rtl.core import Core


def create(formats: Formats, *, product: str = "mul") -> Core:
    """Return the core of a network.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry, from `drai_hw.model.plan.formats_of`.
    product : {"mul", "logic"}
        See `drai_hw.rtl.core.Core`.
    """
    from drai_hw.rtl.core import Core

    return Core(formats, product=product)
