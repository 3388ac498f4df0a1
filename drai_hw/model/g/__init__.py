"""Learning functions g, one class a file, found by the name in the network file.

To add one, put a file with one subclass of `LearningFunction` into this folder and its name into
``learning.g`` of the schema; a test compares the two.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from drai_hw.errors import SpecError
from drai_hw.model.g.base import LearningFunction

__all__ = ["LearningFunction", "classes", "make"]


@cache
def classes() -> dict[str, type[LearningFunction]]:
    """Return every learning function of this folder by its name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = LearningFunction.__subclasses__()
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def make(name: str, parameters: Mapping[str, float] | None = None) -> LearningFunction:
    """Return a learning function by name, with its default parameters where none are given.

    Parameters
    ----------
    name : str
        What ``learning.g`` says.
    parameters : mapping, optional
        What ``learning.g_parameters`` says.

    Raises
    ------
    SpecError
        Unknown name or parameter, or a value outside its range.
    """
    if name not in classes():
        raise SpecError(f"g = {name!r}: known learning functions are {', '.join(classes())}")
    chosen = classes()[name]
    for key in parameters or {}:
        if key not in chosen.parameters():
            known = ", ".join(chosen.parameters()) or "none at all"
            raise SpecError(f"g_parameters.{key}: unknown; g = {name!r} takes {known}")
    return chosen(**(parameters or {}))
