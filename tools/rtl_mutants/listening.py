"""What the core listens to of its sequencer's controls, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amaranth.lib import data

from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import ENTER_STAGE, control

Now = Mapping[str, Any]
"""Controls of a clock by name, as the right sequencer gives them."""

ENDS, FLUSHED = "ends", "flushed"
"""Beside the controls: whether a clock is a run's last, and `FLUSH_CLOCKS` behind any reset."""

FLUSH_CLOCKS = 2 * ENTER_STAGE
"""More than anything stays in the pipelines of the core."""

LISTENED: dict[str, Callable[[Now], Any]] = {
    # Rings that move between slots move what is loaded anew, or moves in that clock anyway.
    "slot": lambda now: now["slot"],
    "half": lambda now: now["pair"],
    "page": lambda now: now["row"] | now["load"],
    "first": lambda now: now["load"],
    # One too many, before the first block of a row, saves the sums of a page that is done with.
    "save": lambda now: now["save"],
    # Everything that a pass counts is at rest behind a run, and begins anew with the next.
    "start": lambda now: 1 - now[ENDS],
    # Behind a reset what was under way is still there, and must not be taken for something else.
    "kind": lambda now: now["busy"] | ~now[FLUSHED],
    # Pairs hear of it clocks after they were issued, and none is under way where it is not heard.
    "learning": lambda now: (
        (now["busy"] & (now["kind"] != 0) & ~now["row"] & ~(now["load"] & ~now["save"]))
        | ~now[FLUSHED]
    ),
}
"""When the core of block memories listens to a control; to those not named here, always."""


def fields(formats: Formats) -> dict[str, tuple[int, int]]:
    """Return the lowest bit and the width of each field of the control record."""
    layout: data.StructLayout = control(formats)
    return {name: (field.offset, field.width) for name, field in layout}


def controls(said: Now, formats: Formats) -> dict[str, Any]:
    """Return all controls by name, of the ports of a sequencer."""
    record = said["control"]
    parts = {name: record >> at & (1 << bits) - 1 for name, (at, bits) in fields(formats).items()}
    return {name: value for name, value in said.items() if name != "control"} | parts


def listened(name: str, now: Now) -> Any:
    """Return 1 where the core listens to a control, else 0; just 1 where it always does."""
    return LISTENED[name](now) & 1 if name in LISTENED else 1
