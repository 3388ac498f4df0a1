"""Copies of registers, so that no single one has to drive the whole chip."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

REPLICA = "drai_replica"
"""Wire attribute of a copy that synthesis must not merge with its equals; plain logic otherwise.

`drai_hw.boards.build` turns it into a ``keep`` on the register's cell: on the wire alone a
``keep`` does not stop yosys from merging.
"""


def later(m: Module, value: Any, name: str, *, replica: bool = False) -> Any:
    """Return a value one clock later, in a register of its own if ``replica``.

    Parameters
    ----------
    m : Module
        Where the register is put.
    value : ValueLike
        Signal, view or expression.
    name : str
        Name of the register.
    replica : bool
        Keep it apart from other registers that hold the same.
    """
    shape = value.shape()
    attrs = {REPLICA: 1} if replica else {}
    register = Signal(shape, name=name, reset_less=True, attrs=attrs)
    m.d.sync += register.eq(value)
    return register


def lane_groups(lanes: int) -> list[range]:
    """Cut the lanes into groups that share control registers, each within one half of the lanes.

    Up to 16 lanes two groups whose equal registers synthesis merges again (see `replicated`);
    beyond, groups of at most 8.
    """
    half = lanes // 2
    most = 8 if replicated(lanes) else half
    return [
        range(start, min(start + most, first + half))
        for first in (0, half)
        for start in range(first, first + half, most)
    ]


def replicated(lanes: int) -> bool:
    """Say whether groups of lanes keep their own copies of common registers."""
    return lanes > 16
