"""What each replica of a core has of its own."""

from __future__ import annotations

from dataclasses import replace

from drai_hw.model.numbers import Formats
from drai_hw.rtl.lane import Lane
from drai_hw.rtl.pages import PageStore
from drai_hw.rtl.update import UpdateUnit


class ReplicaSet:
    """Lanes, page store and update unit of one replica.

    Parameters
    ----------
    formats : Formats
        Number formats of the core.
    number : int
        r; the random streams are those of the seed ``formats.seed + r``.
    product : {"mul", "logic"}
        See `Core`.
    """

    def __init__(self, formats: Formats, number: int, product: str) -> None:
        self.number = number
        self.suffix = f"_r{number}" if number else ""
        self.lanes = [Lane(formats, index, product) for index in range(formats.lanes)]
        self.pages = PageStore(formats, registered=product == "mul")
        self.update = UpdateUnit(replace(formats, seed=formats.seed + number))
