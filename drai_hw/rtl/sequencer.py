"""The sequencer: which pair, page or oscillator every part of the core works on, clock by clock."""

from __future__ import annotations

from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import (
    PASS_DRAIN,
    ROW_DRAIN,
    Kind,
    WideKind,
    address_bits,
    control,
    kind_shape,
)

STEP_BITS = 24


class Sequencer(wiring.Component):
    """Issue one control record a clock.

    A run is a refresh pass and then ``steps`` steps, each a field pass, censuses, and a couple or
    an edge pass, as far as they are asked for and compiled in. A pass walks the rows: local page,
    all later pages, the page itself, update, store. The pass constants (``kind``, ``learning``)
    change only when the pipeline is empty.

    Parameters
    ----------
    formats : Formats
        Geometry.
    settles : bool
        Whether a pass ends only when the weight store says that all words are in memory.
    """

    def __init__(self, formats: Formats, *, settles: bool = False) -> None:
        self.formats = formats
        self.settles = settles
        super().__init__(
            {
                "run": In(1),
                "steps": In(STEP_BITS),
                "field": In(1),
                "couple": In(1),
                "learn": In(1),
                **({"edge": In(1), "turn": Out(1)} if formats.edge else {}),
                **({"census": In(1)} if formats.census_passes else {}),
                "ready": In(1),  # the weight store lets the next slot come
                **({"settled": In(1)} if settles else {}),
                "control": Out(control(formats)),
                "kind": Out(kind_shape(formats)),
                "learning": Out(1),
                "start": Out(1),
                "ramp": Out(1),
                "busy": Out(1),
                "step_done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the state machine."""
        m = Module()
        f, out = self.formats, self.control
        lanes, last_page = f.lanes, f.pages - 1
        row = Signal(range(f.pages))
        page = Signal(address_bits(f.pages))
        slot = Signal(range(max(lanes, PASS_DRAIN + 1)))
        left = Signal(STEP_BITS)
        field, couple, learn = Signal(), Signal(), Signal()
        wanted: list[tuple[IntEnum, Signal]] = [(Kind.FIELD, field)]
        if f.census_passes:
            census = Signal()
            kinds = [WideKind.BUDGET] * f.budget + [WideKind.CENTRE] * f.centring
            wanted += [(kind, census) for kind in kinds]
        if f.edge:
            edge = Signal()
            wanted.append((WideKind.EDGE, edge))
        wanted.append((Kind.COUPLE, couple))
        opened = Signal()  # not the first block of the row
        stepping = Signal()  # the pass that ends belongs to a step
        # Of what has stood for a clock at least when it is asked for; the compare is no part of
        # that clock's paths.
        last_row, diagonal = Signal(), Signal()
        m.d.comb += out.page.eq(page)
        m.d.sync += [
            last_row.eq(row == last_page),
            diagonal.eq(page == row),
            self.learning.eq(learn & (self.kind == Kind.COUPLE)),
        ]
        # The first pass of a step, and the one behind the present pass, if there is one.
        first, following = Signal(self.kind.shape()), Signal(self.kind.shape())
        works, follows = Signal(), Signal()
        m.d.sync += [works.eq(Cat(asked for _, asked in wanted).any()), follows.eq(0)]
        for place, (kind, asked) in reversed(list(enumerate(wanted))):
            with m.If(asked):
                m.d.sync += first.eq(kind)
            earlier = [self.kind == before for before, _ in wanted[:place]]
            if earlier:
                with m.If(reduce(or_, earlier) & asked):
                    m.d.sync += [following.eq(kind), follows.eq(1)]

        def begin(kind: Any) -> None:
            m.d.comb += self.start.eq(1)
            m.d.sync += [self.kind.eq(kind), row.eq(0), page.eq(0), slot.eq(0)]
            m.next = "UPDATE" if kind is Kind.REFRESH else "ROW"

        with m.FSM(name="phase"):
            with m.State("REST"):
                # All that a run begins with: not behind `run`, which comes late in its clock.
                begin(Kind.REFRESH)
                m.d.sync += [
                    left.eq(self.steps),
                    field.eq(self.field),
                    couple.eq(self.couple & ~self.edge if f.edge else self.couple),
                    learn.eq(self.learn),
                    stepping.eq(0),
                ]
                if f.edge:
                    m.d.sync += edge.eq(self.edge)
                if f.census_passes:
                    m.d.sync += census.eq(self.census)
                m.next = "REST"
                with m.If(self.run):
                    m.d.sync += self.busy.eq(1)
                    m.next = "UPDATE"
            with m.State("ROW"):
                m.d.comb += out.row.eq(1)
                m.d.sync += [page.eq(Mux(row == last_page, row, row + 1)), opened.eq(0)]
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += [out.load.eq(1), out.first.eq(row == 0), out.save.eq(opened)]
                m.d.sync += [opened.eq(1), slot.eq(0)]
                m.next = "SLOTS"
            with m.State("SLOTS"):
                counts = ~diagonal | ((slot >= 1) & (slot <= lanes // 2))
                m.d.comb += [
                    out.slot.eq(self.ready),
                    out.pair.eq(self.ready & counts),
                    out.half.eq(diagonal & (slot == lanes // 2)),
                ]
                with m.If(self.ready):
                    m.d.sync += slot.eq(slot + 1)
                with m.If(self.ready & (slot == lanes - 1)):
                    m.d.sync += slot.eq(0)
                    with m.If(diagonal):
                        m.next = "MERGE"
                    with m.Else():
                        m.d.sync += page.eq(Mux(page == last_page, row, page + 1))
                        m.next = "LOAD"
            with m.State("MERGE"):
                m.d.comb += out.merge.eq(1)
                m.next = "UPDATE"
            with m.State("UPDATE"):
                m.d.comb += out.update.eq(1)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == lanes - 1):
                    m.d.sync += slot.eq(0)
                    m.next = "STORE"
            with m.State("STORE"):
                m.d.comb += out.store.eq(1)
                m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.sync += slot.eq(slot + 1)
                with m.If(~last_row & (slot == ROW_DRAIN - 1)):
                    m.d.sync += [slot.eq(0), row.eq(row + 1), page.eq(row + 1)]
                    with m.If(self.kind == Kind.REFRESH):
                        m.next = "UPDATE"
                    with m.Else():
                        m.next = "ROW"
                ended = last_row & (slot == PASS_DRAIN - 1)
                if self.settles:
                    with m.If(ended):
                        m.d.sync += slot.eq(slot)
                    ended &= self.settled
                with m.If(ended):
                    m.d.sync += slot.eq(0)
                    m.next = "STEP"
                    with m.If(follows):
                        begin(following)
            with m.State("STEP"):
                m.d.comb += [
                    self.step_done.eq(stepping),
                    self.ramp.eq(stepping & (self.kind == Kind.COUPLE)),
                ]
                if f.edge:
                    m.d.comb += self.turn.eq(stepping & (self.kind == WideKind.EDGE))
                m.d.sync += [stepping.eq(1), left.eq(left - 1)]
                with m.If(left == 0):
                    m.d.sync += self.busy.eq(0)
                    m.next = "REST"
                with m.Elif(works):
                    begin(first)
        return m
