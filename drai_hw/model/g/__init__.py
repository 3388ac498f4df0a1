"""Learning functions g, one class a file, found by the name in the network file.

To add one, put a file with one subclass of `LearningFunction` into this folder, or give your own
as ``learning.g = "module:Class"``.
"""

from __future__ import annotations

from collections.abc import Mapping

from drai_hw.model.g.base import LearningFunction
from drai_hw.model.parts import Kind

__all__ = ["KIND", "LearningFunction", "classes", "make"]

KIND: Kind[LearningFunction] = Kind(
    "g", LearningFunction, "g", "g_parameters", "learning functions"
)


def classes() -> dict[str, type[LearningFunction]]:
    """Return every learning function of this folder by its name."""
    return KIND.classes()


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
    return KIND.make(name, parameters)
