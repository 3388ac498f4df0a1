"""What the core listens to of its sequencer's controls, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Rule:
    """When the core listens to a control.

    Attributes
    ----------
    words : str
        Said to a reader.
    heard : callable
        Takes the moment; returns 1, in its lowest bit, where the core listens.
    """

    words: str
    heard: Callable[[Now], Any]


LISTENED: dict[str, Rule] = {
    # Rings that move between slots move what is loaded anew, or moves in that clock anyway.
    "slot": Rule("where it stands: between slots the rings may move", lambda now: now["slot"]),
    "half": Rule("in clocks of a `pair`", lambda now: now["pair"]),
    "page": Rule("in clocks of `row` or `load`", lambda now: now["row"] | now["load"]),
    "first": Rule("in clocks of `load`", lambda now: now["load"]),
    "save": Rule(
        "where it stands: one too many, ahead of a row's first block, saves sums of a page that is "
        "done with",
        lambda now: now["save"],
    ),
    "start": Rule(
        "not in the last clock of a run: all that a pass counts is at rest then, and begins anew "
        "with the next run",
        lambda now: 1 - now[ENDS],
    ),
    "kind": Rule(
        f"while `busy` stands, and in {FLUSH_CLOCKS} clocks behind a reset, in which the pipelines "
        "may still hold something",
        lambda now: now["busy"] | ~now[FLUSHED],
    ),
    "learning": Rule(
        "as `kind`, but not in a refresh pass, with `row`, nor with a row's first `load`: no pair "
        "is under way then",
        lambda now: (
            (now["busy"] & (now["kind"] != 0) & ~now["row"] & ~(now["load"] & ~now["save"]))
            | ~now[FLUSHED]
        ),
    ),
}
"""Controls that the core of block memories does not always listen to; it does to all others."""


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
    return LISTENED[name].heard(now) & 1 if name in LISTENED else 1
