"""Arithmetic of the update unit: torque with inputs and second harmonic, tuning word and dither."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, signed

from drai_hw.model.numbers import GAIN_BITS, STRENGTH_BITS, Formats, signed_bits
from drai_hw.rtl.timing import WideKind

MULTIPLIER_BITS = 18  # the narrower of the device families' multiplier blocks holds 16


class Torque:
    """Stages of a component with ``gain``, ``shil``, ``dither`` (``kind``, ``centre``) as inputs.

    A stage number is the clock at which a value is there, counted from the clock before stage 1 at
    which the memories' outputs and the sum arrive.

    Attributes
    ----------
    formats : Formats
        Widths and tables.
    """

    formats: Formats
    gain: Any
    shil: Any
    dither: Any
    kind: Any
    centre: Any
    _gained4: Any

    def later(self, m: Module, value: Any, clocks: int, name: str) -> Any:
        """Delay a value; data only, so no reset."""
        for stage in range(clocks):
            register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=True)
            m.d.sync += register.eq(value)
            value = register
        return value

    def torque(self, m: Module, theta: Signal, inputs: Any, total: Signal) -> Signal:
        """Return the saturated torque at stage 6 from the state at stage 1."""
        f = self.formats
        top = theta[f.accumulator_bits - f.phase_bits :]
        index, double = Signal(f.phase_bits), Signal(f.phase_bits)
        m.d.comb += [index.eq(inputs.psi - top), double.eq(top << 1)]
        pull = self._lookup(m, index, "pull")  # stage 2
        split = self._lookup(m, double, "split")
        strength = self.later(m, inputs.strength, 1, "strength2")
        total = self.later(m, total, 1, "total2")

        limit = ((1 << STRENGTH_BITS) - 1) * f.table_amplitude
        one, two = signed(signed_bits(-limit, limit)), signed(signed_bits(-2 * limit, 2 * limit))
        pulled, parted = Signal(one, reset_less=True), Signal(one, reset_less=True)
        m.d.sync += [pulled.eq(strength * pull), parted.eq(self.shil * split)]  # stage 3
        difference = Signal(two, reset_less=True)
        m.d.sync += difference.eq(pulled - parted)  # stage 4

        coupled, coupled_max = self._gained(m, total)
        self._gained4 = coupled
        x_max = coupled_max + (2 * limit << f.strength_shift)
        x = Signal(signed(signed_bits(-x_max, x_max)), reset_less=True)
        m.d.sync += x.eq(coupled + (difference << f.strength_shift))  # stage 5
        shifted = x >> f.shift
        delta = Signal(signed(f.accumulator_bits), reset_less=True)
        m.d.sync += delta.eq(
            Mux(
                shifted > f.delta_max,
                f.delta_max,
                Mux(shifted < -f.delta_max, -f.delta_max, shifted),
            )
        )
        return delta

    def _lookup(self, m: Module, index: Any, name: str) -> Signal:
        """Look the coupling function up, one clock."""
        amplitude_bits = self.formats.table_amplitude.bit_length()
        entry = Signal(signed(amplitude_bits + 1), name=name, reset_less=True)
        table = Array(C(value, entry.shape()) for value in self.formats.coupling)
        m.d.sync += entry.eq(table[index])
        return entry

    def _gained(self, m: Module, total: Signal) -> tuple[Signal, int]:
        """Return gain times sum plus the rounding half, at stage 4, and its largest magnitude.

        A sum wider than a multiplier is cut at the rounding bit, so that rounding is the carry
        into the upper part and every product has a register of its own.
        """
        f = self.formats
        gain: Any = self.gain
        if f.centring:  # the multiplier serves the census, too
            gain = Signal(GAIN_BITS, name="factor", reset_less=True)
            m.d.sync += gain.eq(Mux(self.kind == WideKind.CENTRE, self.centre, self.gain))
        cut = f.shift - 1
        most = ((1 << GAIN_BITS) - 1) * f.sum_max + (1 << cut)
        out = Signal(signed(signed_bits(-most, most)), name="coupled4", reset_less=True)
        if f.acc_bits <= MULTIPLIER_BITS:
            product = Signal(out.shape(), name="coupled", reset_less=True)
            m.d.sync += [product.eq(gain * total), out.eq(product + (1 << cut))]
            return out, most
        low = Signal(GAIN_BITS + cut, reset_less=True)
        high = Signal(signed(GAIN_BITS + 1 + f.acc_bits - cut), reset_less=True)
        m.d.sync += [
            low.eq(gain * total[:cut]),
            high.eq(gain * total[cut:].as_signed()),
        ]
        upper = Signal(signed(len(high) + 1))
        m.d.comb += upper.eq((Cat(C(1, 1), high).as_signed() + Cat(C(1, 1), low[cut:])) >> 1)
        m.d.sync += out.eq(Cat(low[:cut], upper).as_signed())
        return out, most

    def drift(self, m: Module, omega: Signal, draw: Any) -> Signal:
        """Return tuning word plus dither at stage 6 from the tuning word at stage 5.

        The draw of two bits is taken at stage 4.
        """
        f = self.formats
        amplitude = Signal(f.dither_shift_max + 1, reset_less=True)
        m.d.sync += amplitude.eq(Mux(self.dither == 0, 0, (1 << (self.dither - 1)[:5])))
        kick = Signal(signed(f.dither_shift_max + 2), reset_less=True)
        with m.Switch(draw):
            with m.Case(1):
                m.d.sync += kick.eq(amplitude)
            with m.Case(2):
                m.d.sync += kick.eq(-amplitude)
            with m.Default():
                m.d.sync += kick.eq(0)
        drift = Signal(signed(f.accumulator_bits + 1), reset_less=True)
        m.d.sync += drift.eq(omega + kick)
        return drift
