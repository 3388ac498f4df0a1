"""The update unit: one oscillator a clock, from its finished sum to its next state."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model import prng
from drai_hw.model.machine import BUDGET_BITS
from drai_hw.model.numbers import (
    EMA_FRACTION_BITS,
    EMA_SHIFT,
    GAIN_BITS,
    STRENGTH_BITS,
    Formats,
)
from drai_hw.rtl import flags
from drai_hw.rtl.prng import Stream
from drai_hw.rtl.timing import (
    UPDATE_LATENCY,
    Kind,
    WideKind,
    address_bits,
    block_memory,
    kind_shape,
    page_word,
)
from drai_hw.rtl.torque import Torque


def input_word(formats: Formats) -> data.StructLayout:
    """Return the word of the input memory."""
    return data.StructLayout(
        {"strength": STRENGTH_BITS, "psi": formats.phase_bits, "clamp": 1, "active": 1}
    )


def mark_word(formats: Formats) -> data.StructLayout:
    """Return the word of what passes find: margin bit, smoothed frequency with fraction, flags."""
    fields: dict = {"margin": 1}
    if formats.resonance:
        fields["ema"] = signed(formats.ema_bits)
    if formats.budget:
        fields["over"] = 1
    if formats.centring:
        fields["lean"] = signed(2)
    if formats.edge:
        fields["low"] = 1
    return data.StructLayout(fields)


class UpdateUnit(Torque, wiring.Component):
    """State memories and the arithmetic of the O(N) part of a step.

    A couple pass moves the phase by tuning word, saturated torque and dither; a field pass sets
    the margin bit; a refresh pass only forms page words anew. The only multipliers of the core
    with ``product="logic"`` are here: K S, F T and k_s T. Latency `UPDATE_LATENCY` clocks from
    ``sum`` to ``word``, throughput one oscillator a clock. Torque saturates at
    ``+-(2**(A-1) - 1)``; only the phase wraps.

    Parameters
    ----------
    formats : Formats
        Widths and tables.

    Attributes
    ----------
    memories : dict of str to Memory
        ``theta``, ``omega``, ``inputs``, ``marks``, one word an oscillator slot; the host writes
        each without disturbing the others.
    """

    def __init__(self, formats: Formats) -> None:
        f = self.formats = formats
        self._phase = signed(f.accumulator_bits)
        slots = f.slots
        padding = [index >= f.n for index in range(slots)]
        self.memories = {
            "theta": block_memory(f.accumulator_bits, slots),
            "omega": block_memory(self._phase, slots),
            "inputs": block_memory(input_word(f), slots, [{"active": not p} for p in padding]),
            "marks": block_memory(mark_word(f), slots, [{"margin": p} for p in padding]),
        }
        address = address_bits(slots)
        super().__init__(
            {
                "busy": In(1),
                "start": In(1),
                "kind": In(kind_shape(f)),
                "reseed": In(1),
                # `ahead` announces an oscillator one clock before `valid` and its `sum`.
                "ahead": In(1),
                "valid": In(1),
                "sum": In(signed(f.acc_bits)),
                "word": Out(page_word(f)),
                # Registers.
                "gain": In(GAIN_BITS),
                "shil": In(STRENGTH_BITS),
                "dither": In(5),
                "margin": In(signed(f.acc_bits)),
                "gates": In(2),
                **({"budget": In(BUDGET_BITS)} if f.budget else {}),
                **({"centre": In(GAIN_BITS)} if f.centring else {}),
                **({"slot": In(f.phase_bits), "fresh": In(1)} if f.edge else {}),
                # Host, at rest.
                "host_index": In(address),
                "host_theta": In(f.accumulator_bits),
                "host_omega": In(self._phase),
                "host_inputs": In(input_word(f)),
                "host_write_theta": In(1),
                "host_write_omega": In(1),
                "host_write_inputs": In(1),
                "theta": Out(f.accumulator_bits),
                "omega": Out(self._phase),
                "inputs": Out(input_word(f)),
                "marks": Out(mark_word(f)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build memories and pipeline."""
        m = Module()
        f = self.formats
        for name, memory in self.memories.items():
            m.submodules[f"{name}_memory"] = memory
        done = self._addresses(m)
        couple = Signal()
        m.d.comb += couple.eq(self.kind == Kind.COUPLE)

        # Stage 1: everything about the oscillator side by side.
        word = {name: getattr(self, name) for name in self.memories}
        theta = self.later(m, word["theta"], 1, "theta")
        omega = self.later(m, word["omega"], 1, "omega")
        inputs = self.later(m, word["inputs"], 1, "inputs")
        marks = self.later(m, word["marks"], 1, "marks")
        total = self.later(m, self.sum, 1, "total")
        valid = self.later(m, self.valid, 1, "valid")

        delta = self.torque(m, theta, inputs, total)  # stage 6
        held = self.later(m, total >= flags.threshold(self, m), 1, "held")  # stage 2

        # Stage 7: increment; tuning word and dither were added up beside the torque.
        clamp = self.later(m, inputs.clamp, 5, "clamp")
        omega5 = self.later(m, omega, 4, "omega5")
        drift = self.drift(m, omega5, self._draw(m, valid))  # stage 6
        increment = Signal(signed(f.accumulator_bits + 2), reset_less=True)
        m.d.sync += increment.eq(Mux(clamp, 0, drift + delta))

        # Stage 8 and 9: new phase and smoothed frequency.
        theta7 = self.later(m, theta, 6, "theta7")
        theta8 = Signal(f.accumulator_bits, reset_less=True)
        m.d.sync += theta8.eq(Mux(couple, theta7 + increment, theta7))
        low = flags.edge(self, m, theta, theta8, marks, inputs, total) if f.edge else None
        new_theta = self.later(m, theta8, 1, "theta9")
        active = self.later(m, inputs.active, 8, "active")
        margin8 = self._margin(m, held, marks, inputs)
        new_margin = self.later(m, margin8, 1, "margin9")

        new_marks = Signal(mark_word(f))
        m.d.comb += [
            new_marks.margin.eq(new_margin),
            self.word.top.eq(flags.top(self, m, theta8, new_theta)),
            # A gate switched off sees words that always pass it.
            self.word.margin.eq(new_margin & self.gates[0]),
            self.word.active.eq(active),
        ]
        if f.resonance:
            ema = self._smoothed(m, self.later(m, marks.ema, 7, "ema8"), increment, couple)
            m.d.comb += new_marks.ema.eq(ema)
            m.d.comb += self.word.om.eq(Mux(self.gates[1], ema >> EMA_FRACTION_BITS, 0))

        if f.budget:
            full = held & self.later(m, inputs.active, 1, "on")
            over = flags.flag(self, m, WideKind.BUDGET, full, marks.over, "over")
            m.d.comb += [new_marks.over.eq(over), self.word.over.eq(over)]
        if f.centring:
            lean = flags.lean(self, m, marks, self._gained4)
            m.d.comb += [
                new_marks.lean.eq(lean),
                self.word.lean.eq(Mux(self.centre == 0, 0, lean)),
            ]
        if low is not None:
            m.d.comb += new_marks.low.eq(low)

        self._write(m, "theta", done, new_theta, self.host_write_theta, self.host_theta)
        self._write(m, "marks", done, new_marks, C(0, 1), new_marks)
        self._write(m, "omega", C(0, 1), self.host_omega, self.host_write_omega, self.host_omega)
        host_inputs = self.host_inputs
        self._write(m, "inputs", C(0, 1), host_inputs, self.host_write_inputs, host_inputs)
        return m

    def _addresses(self, m: Module) -> Signal:
        """Count oscillators at the memories' inputs and outputs; return "a result is ready"."""
        read_at = Signal(self.host_index.shape(), reset_less=True)
        self._write_at = Signal(self.host_index.shape(), reset_less=True)
        done = self.later(m, self.valid, UPDATE_LATENCY, "done")
        with m.If(self.start):
            m.d.sync += [read_at.eq(0), self._write_at.eq(0)]
        with m.Else():
            with m.If(self.ahead):
                m.d.sync += read_at.eq(read_at + 1)
            with m.If(done):
                m.d.sync += self._write_at.eq(self._write_at + 1)
        for name, memory in self.memories.items():
            port = memory.read_port()
            m.d.comb += port.addr.eq(Mux(self.busy, read_at, self.host_index))
            m.d.comb += getattr(self, name).eq(port.data)
        return done

    def _write(
        self, m: Module, name: str, done: Any, new: Any, host_write: Any, host_value: Any
    ) -> None:
        """Write results or what the host gives, a clock after it is there."""
        port = self.memories[name].write_port()
        address = Mux(self.busy, self._write_at, self.host_index)
        m.d.comb += [
            port.addr.eq(self.later(m, address, 1, f"{name}_to")),
            port.data.eq(self.later(m, Mux(self.busy, new, host_value), 1, f"{name}_new")),
            port.en.eq(self.later(m, Mux(self.busy, done, host_write), 1, f"{name}_put")),
        ]

    def _draw(self, m: Module, valid: Signal) -> Any:
        """Return the dither's two random bits at stage 4."""
        f = self.formats
        m.submodules.dither_stream = stream = Stream(f.dither_seed, prng.LEAP)
        stepping = self.later(m, valid, 3, "stepping")  # stage 4: the draw is taken and left
        m.d.comb += [
            stream.step.eq(stepping & (self.kind == Kind.COUPLE)),
            stream.reseed.eq(self.reseed),
        ]
        return stream.state[:2]

    def _margin(self, m: Module, held: Signal, marks: Any, inputs: Any) -> Signal:
        """Return the margin bit at stage 8."""
        old = self.later(m, marks.margin, 1, "margin2")
        active = self.later(m, inputs.active, 1, "active2")
        margin = Signal(reset_less=True)
        m.d.sync += margin.eq(Mux(self.kind == Kind.FIELD, held | ~active, old))  # stage 3
        return self.later(m, margin, 5, "margin8")

    def _smoothed(self, m: Module, ema: Signal, increment: Signal, couple: Signal) -> Signal:
        """Return the smoothed frequency at stage 9; `ema` is at stage 8, `increment` at 7."""
        f = self.formats
        limit = (1 << (f.frequency_bits - 1)) - 1
        shifted = increment >> f.frequency_shift
        target = Signal(signed(f.frequency_bits), reset_less=True)
        m.d.sync += target.eq(Mux(shifted > limit, limit, Mux(shifted < -limit, -limit, shifted)))
        out = Signal(signed(f.ema_bits), reset_less=True)
        gap = (target << EMA_FRACTION_BITS) - ema
        m.d.sync += out.eq(Mux(couple, ema + (gap >> EMA_SHIFT), ema))
        return out
