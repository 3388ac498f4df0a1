"""Stabilisers of the learning rule, one class a file, found by the name in the network file.

To add one, put a file with one subclass of `Stabiliser` into this folder, or give your own as
``"module:Class"`` in ``learning.stabilisers``.
"""

from __future__ import annotations

from drai_hw.model.parts import Kind
from drai_hw.model.stabilisers.base import Stabiliser

__all__ = ["KIND", "Stabiliser"]

KIND: Kind[Stabiliser] = Kind(
    "stabilisers", Stabiliser, "stabiliser", "stabiliser_parameters", "stabilisers"
)
