"""Gates of the learning rule, one class a file, found by the name in the network file.

To add one, put a file with one subclass of `Gate` into this folder, or give your own as
``"module:Class"`` in ``learning.gates``.
"""

from __future__ import annotations

from drai_hw.model.gates.base import Gate, Observed
from drai_hw.model.parts import Kind

__all__ = ["KIND", "Gate", "Observed"]

KIND: Kind[Gate] = Kind("gates", Gate, "gate", "gate_parameters", "gates")
