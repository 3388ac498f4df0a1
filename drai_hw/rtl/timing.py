"""Pipeline stages and records that the parts of the core share."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.lib.memory import Memory

from drai_hw.model.machine import Passes
from drai_hw.model.numbers import Formats

# The sequencer issues one control record a clock (stage 0); each part acts on it a fixed number of
# clocks later. Latencies therefore live in this file only, and no part waits for another.
PHASE_STAGE = 5  # page words arrive, phase rings move, the synapse samples
SUM_STAGE = PHASE_STAGE + 3  # products arrive, sum rings move
UPDATE_LATENCY = 9  # from a finished sum to the new page word
ENTER_STAGE = SUM_STAGE + UPDATE_LATENCY  # new words enter the phase ring, a page is stored

# The next row may overwrite the phase ring in the very clock in which the last page is stored.
ROW_DRAIN = ENTER_STAGE - PHASE_STAGE - 2
# After the last row everything must be in memory before a pass reads page 0 again.
PASS_DRAIN = ENTER_STAGE


class Kind(IntEnum):
    """What a pass does to the oscillators when its sums are complete."""

    REFRESH = 0
    FIELD = 1
    COUPLE = 2


class WideKind(IntEnum):
    """The kinds of a core with edge passes or censuses, which take one bit more."""

    REFRESH = 0
    FIELD = 1
    COUPLE = 2
    EDGE = 3
    BUDGET = 4
    CENTRE = 5


def kind_shape(formats: Formats) -> type[IntEnum]:
    """Return the kinds of pass that a core has."""
    return WideKind if formats.edge or formats.census_passes else Kind


def page_word(formats: Formats) -> data.StructLayout:
    """Return what pairs need to know of an oscillator: the word that travels in the rings.

    Phase ``top`` (P bits), smoothed frequency ``om`` (OB bits, only with the resonance gate), the
    flags ``over`` and ``lean`` of the censuses that there are, ``margin`` and ``active`` bits.
    In a design with edge passes ``top`` is ahead by the slot of the turn: differences are the
    same, and its leading bit is the square wave.
    """
    fields: dict = {"top": formats.phase_bits}
    if formats.resonance:
        fields["om"] = formats.frequency_bits
    if formats.budget:
        fields["over"] = 1
    if formats.centring:
        fields["lean"] = signed(2)
    return data.StructLayout(fields | {"margin": 1, "active": 1})


def control(formats: Formats) -> data.StructLayout:
    """Return the control record of one clock.

    Fields: ``row`` local words <= page, local sums <= 0; ``load`` rotating words and sums <= page;
    ``first`` the loaded sums are zero (row 0); ``save`` put the rotating sums back before loading;
    ``slot`` rings move on by one lane; ``pair`` the slot's pairs count; ``half`` in the lower half
    of the lanes only; ``merge`` add local to rotating sums; ``update`` one oscillator passes the
    update unit; ``store`` the ring's words go to the page store; ``page`` page address.
    """
    flags = ("row", "load", "first", "save", "slot", "pair", "half", "merge", "update", "store")
    fields: dict = {name: 1 for name in flags}
    return data.StructLayout(fields | {"page": address_bits(formats.pages)})


def address_bits(depth: int) -> int:
    """Return the width of an address of ``depth`` words, at least 1 bit."""
    return max(1, (depth - 1).bit_length())


def clocks_per_pass(formats: Formats, slot_clocks: int = 1) -> int:
    """Return the clocks of any pass over the pairs, from its first to its last control record.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    slot_clocks : int
        Clocks from one slot to the next: 1, or what the weight store needs while learning
        (``SLOT_CLOCKS``). The last slot of a block is followed by the next block at once.
    """
    lanes, pages = formats.lanes, formats.pages
    blocks = pages * (pages - 1) // 2 * (lanes + 1)
    # row, load and lanes of the diagonal, merge, lanes of the update, store, drain
    rows = pages * (2 * lanes + 4 + ROW_DRAIN)
    waits = pages * (pages + 1) // 2 * (lanes - 1) * (slot_clocks - 1)
    return blocks + rows + PASS_DRAIN - ROW_DRAIN + waits


def clocks_per_refresh(formats: Formats) -> int:
    """Return the clocks of the refresh pass that opens every run."""
    return formats.pages * (formats.lanes + 1 + ROW_DRAIN) + PASS_DRAIN - ROW_DRAIN


def clocks_per_step(formats: Formats, *, slot_clocks: int = 1, **passes: bool) -> int:
    """Return the clocks of one step; learning adds none with dual-port memory.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    slot_clocks : int
        Clocks from slot to slot that the weight store needs while learning (``SLOT_CLOCKS``).
    passes : bool
        Those of `drai_hw.model.machine.Passes`; by default a couple pass alone.
    """
    wanted = Passes(**passes)
    clocks = clocks_per_pass(formats) * wanted.count(formats) + 1
    if wanted.coupled and wanted.learn:
        clocks += clocks_per_pass(formats, slot_clocks) - clocks_per_pass(formats)
    return clocks


def clocks_per_run(formats: Formats, steps: int, *, slot_clocks: int = 1, **passes: bool) -> int:
    """Return the clocks for which BUSY stands in a run of ``steps`` steps."""
    opening = clocks_per_refresh(formats) + 1  # the last clock finds that no step is left
    return opening + steps * clocks_per_step(formats, slot_clocks=slot_clocks, **passes)


def block_memory(shape: Any, depth: int, init: Any = ()) -> Memory:
    """Return a memory for one read and one write port, to be mapped to a block memory.

    The schedule never reads a word in the clock in which it is written. Synthesis is told so:
    else families whose blocks leave such a read undefined get a bypass of logic, about two
    flip-flops and a multiplexer a bit.
    """
    return Memory(shape=shape, depth=depth, init=init, attrs={"no_rw_check": 1})
