"""A core whose sequencer tells it random things wherever nobody is said to listen."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from drai_hw.model import prng
from drai_hw.model.numbers import Formats
from drai_hw.rtl import core, emit
from drai_hw.rtl.prng import Stream
from drai_hw.rtl.sequencer import Sequencer
from drai_hw.sim.cxxrtl import build
from tools.rtl_mutants.listening import ENDS, FLUSH_CLOCKS, FLUSHED, controls, fields, listened

WHICH = "sequencer.which"
"""The register that chooses a control that is scrambled where it is listened to as well."""
_SELECT = """
extern "C" void drai_scramble(void *harness, uint32_t number) {
    cxxrtl_object *which = of(harness)->find("sequencer.which");
    *which->curr = *which->next = number;
    of(harness)->unsettled = true;
}
"""
_RARELY = 4
"""Bits of the draw that must be 0 for a control to be scrambled where it is listened to."""


class Scrambled(Sequencer):
    """A sequencer a clock behind the right one, its controls inverted at random.

    Bits change wherever `listened` says that nobody listens; those of the control that the
    register `WHICH` numbers, rarely, where somebody does.
    """

    names: ClassVar[list[str]] = []
    """Controls of the one that was built last, in the order of their numbers, from 1."""

    def elaborate(self, platform: Any) -> Module:
        """Put the right sequencer inside and noise behind it."""
        m = Module()
        m.submodules.inner = inner = Sequencer(self.formats, settles=self.settles)
        m.submodules.noise = noise = Stream(0x2545F491, prng.LEAP)
        m.submodules.chance = chance = Stream(0x1B873593, prng.LEAP)
        m.d.comb += [noise.step.eq(1), chance.step.eq(1)]
        said: dict[str, Value] = {}
        for name, port in self.signature.members.items():
            mine, right = getattr(self, name), getattr(inner, name)
            if port.flow is wiring.In:
                m.d.comb += right.eq(mine)
                continue
            # A clock later, so that it is known here whether a run ends.
            word = Value.cast(right)
            behind = Signal(len(word), name=f"{name}_behind")
            m.d.sync += behind.eq(word)
            said[name] = behind
        now: dict[str, Any] = controls(said, self.formats)
        Scrambled.names = list(now)
        flush = Signal(range(FLUSH_CLOCKS + 1))
        with m.If(flush != FLUSH_CLOCKS):
            m.d.sync += flush.eq(flush + 1)
        moment = now | {ENDS: said["busy"] & ~inner.busy, FLUSHED: flush == FLUSH_CLOCKS}
        which = Signal(range(len(now) + 1), reset_less=True)
        # Nothing sets it; but that `run` never comes with `busy` is not known to any compiler.
        m.d.sync += which.eq(Mux(self.run & said["busy"], noise.state, which))
        wrong: dict[str, Value] = {}
        place = 0
        for number, (name, value) in enumerate(now.items(), 1):
            size = len(said[name]) if name in said else fields(self.formats)[name][1]
            bits = noise.state[place : place + size]
            place = (place + size) % (prng.BITS - 4)
            rare = (which == number) & (chance.state[:_RARELY] == 0)
            heard = listened(name, moment)
            mixed = Signal(size, name=f"{name}_mixed")
            m.d.comb += mixed.eq(value ^ Mux(rare, bits | 1, Mux(heard, 0, bits)))
            wrong[name] = mixed
        wrong["control"] = Cat(wrong[part] for part in fields(self.formats))
        m.d.comb += [Value.cast(getattr(self, name)).eq(wrong[name]) for name in said]
        return m


def scrambled_model(
    formats: Formats, folder: Path
) -> tuple[Path, Callable[[Any, int], None], list[str]]:
    """Return the compiled core, what chooses a control of a model of it, and the controls."""
    with mock.patch.object(core, "Sequencer", Scrambled):
        text = emit.rtlil(core.Core(formats), name=emit.NAME)
    folder.mkdir(parents=True, exist_ok=True)
    source, harness = folder / "scrambled.il", folder / "scrambled.cc"
    source.write_text(text, encoding="utf-8")
    harness.write_text(build.HARNESS.read_text(encoding="utf-8") + _SELECT, encoding="utf-8")
    path = build.compiled(source, emit.NAME, folder, harness=harness, flags=("-O1",))

    def choose(model: Any, number: int) -> None:
        model._library.drai_scramble.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        model._library.drai_scramble(model._model, number)

    return path, choose, Scrambled.names
