"""What all weight stores share: their ports, the check of a plan, and the memories inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.lib.wiring import In, Member, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import Place
from drai_hw.rtl.timing import address_bits


@dataclass(frozen=True)
class Piece:
    """One memory of a store: some bits of some words."""

    place: Place
    memory: Any  # its words are the elements of `memory.data`


def store_ports(formats: Formats, **own: Member) -> dict[str, Member]:
    """Return the ports by which the core reaches any weight store, and those of its own.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and weight width.
    own : Member
        Further ports, or one of the common ones in another form.
    """
    width = formats.lanes * formats.weight_bits
    common = {
        "busy": In(1),
        "start": In(1),
        # Pairs that the sequencer issues, and whether it may.
        "issue": In(1),
        "learning": In(1),
        "ready": Out(1),
        "read": In(1),
        "word": Out(width),
        "write": In(1),
        "new": In(width),
        # Host, at rest: address, take a word out, move the chain, put a word in.
        "host_address": In(address_bits(formats.pair_slots)),
        "host_fetch": In(1),
        "host_shift": In(1),
        "host_weight": In(formats.weight_bits),
        "host_commit": In(1),
    }
    return common | own


def check_plan(formats: Formats, depth: int, width: int) -> None:
    """Raise ValueError if a plan is for another number or width of words than the store has."""
    wanted = formats.pair_slots, formats.lanes * formats.weight_bits
    if (depth, width) != wanted:
        raise ValueError(f"plan of {depth} x {width} bit: the store has {wanted[0]} x {wanted[1]}")
