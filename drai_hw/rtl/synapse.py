"""The learning rule of one pair in integer logic: the unit `synapse` and the heart of a lane."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats


def latency(formats: Formats) -> int:
    """Return the clocks from input to output: 3, and one more for each later kind of step."""
    return 3 + formats.fades + formats.centring


class Synapse(wiring.Component):
    """Update one weight a clock by the stochastic learning rule.

    ``w_in`` moves one step up when ``|phi_j - phi_i| <= u_g`` (else down) if ``r_eta`` stands and
    the gates are open, saturates at ``+-(2**(W-1) - 1)``, then moves one step towards zero if
    ``r_decay`` stands and its magnitude exceeds ``u_decay``. ``w_out`` and ``valid`` follow
    ``latency`` clocks after ``w_in`` and ``en``; with ``en`` low the weight passes unchanged.
    Throughput is one pair a clock.

    A learning function with one-sided passes (`Formats.one_sided`) brings two more inputs: without
    ``g_plus`` there is no step up, without ``g_minus`` none down, and no step is no write. They
    and ``u_g`` are constants of a pass: they act on pairs that came up to two clocks before.

    Other features bring inputs, too. Row budget: with ``over_i`` or ``over_j`` the step towards
    zero comes with ``r_shrink`` as well. Row centring: a last step, against the sign of
    ``lean_i + lean_j``, is made if ``r_push`` is below its magnitude. A mask has no input: the
    word `Formats.no_link` is no pair.

    Parameters
    ----------
    formats : Formats
        Widths, and which of resonance gate and decay are compiled in. A feature left out ignores
        its ports.

    Attributes
    ----------
    latency : int
        Clocks from input to output: 3, and one more each with decay or budget, and with centring.
    THETA_R : int
        Half-width of the resonance window, LSB of the smoothed frequency.
    """

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        self.latency = latency(formats)
        self.THETA_R = formats.theta_r
        p, w, ob = formats.phase_bits, formats.weight_bits, formats.frequency_bits
        sides = {"g_plus": In(1), "g_minus": In(1)} if formats.one_sided else {}
        rows: dict = {}
        if formats.budget:
            rows |= {"over_i": In(1), "over_j": In(1), "r_shrink": In(1)}
        if formats.centring:
            rows |= {"lean_i": In(signed(2)), "lean_j": In(signed(2)), "r_push": In(2)}
        super().__init__(
            {
                "en": In(1),
                "phi_i": In(p),
                "phi_j": In(p),
                "om_i": In(signed(ob)),
                "om_j": In(signed(ob)),
                "gate_i": In(1),
                "gate_j": In(1),
                "act_i": In(1),
                "act_j": In(1),
                "u_g": In(p - 1),
                **sides,
                **rows,
                "r_eta": In(1),
                "r_decay": In(1),
                "u_decay": In(w - 1),
                "w_in": In(signed(w)),
                "w_out": Out(signed(w)),
                "valid": Out(1),
                # For the event counters, in step with w_out.
                "visited": Out(1),
                "gated_on": Out(1),
                "written": Out(1),
                "changed": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        f = self.formats
        p, w_bits, top = f.phase_bits, f.weight_bits, f.w_max

        def delay(signal: Any, clocks: int, name: str, reset_less: bool = True) -> Any:
            for stage in range(clocks):
                later = Signal(signal.shape(), name=f"{name}_{stage + 1}", reset_less=reset_less)
                m.d.sync += later.eq(signal)
                signal = later
            return signal

        # Stage 1: differences.
        d = Signal(p, reset_less=True)
        both = Signal(reset_less=True)
        unheld = Signal(reset_less=True)
        eta = Signal(reset_less=True)
        w1 = Signal(signed(w_bits), reset_less=True)
        m.d.sync += [
            d.eq(self.phi_j - self.phi_i),
            both.eq(self._counts()),
            unheld.eq(~(self.gate_i & self.gate_j)),
            eta.eq(self.r_eta),
            w1.eq(self.w_in),
        ]
        near: Any = 1
        if f.resonance:
            # One bit more than the frequencies: the difference must not wrap into the window.
            apart = Signal(signed(f.frequency_bits + 1), reset_less=True)
            m.d.sync += apart.eq(self.om_i - self.om_j)
            near = (apart < f.theta_r) & (apart > -f.theta_r)

        # Stage 2: verdict.
        distance = Signal(p)
        m.d.comb += distance.eq(Mux(d[-1], -d, d))
        up = Signal(reset_less=True)
        gate = Signal(reset_less=True)
        event = Signal(reset_less=True)
        w2 = Signal(signed(w_bits), reset_less=True)
        m.d.sync += [
            up.eq(distance <= self.u_g),
            gate.eq(both & unheld & near),
            event.eq(both & unheld & near & eta),
            w2.eq(w1),
        ]
        visited = delay(both, 1, "visited")

        # Stage 3: one step, saturating.
        moved = Signal(signed(w_bits))
        with m.If(up):
            m.d.comb += moved.eq(Mux(w2 == top, w2, w2 + 1))
        with m.Else():
            m.d.comb += moved.eq(Mux(w2 == -top, w2, w2 - 1))
        written: Any = event
        if f.one_sided:
            written = event & Mux(up, self.g_plus, self.g_minus)
        w3 = Signal(signed(w_bits), reset_less=True)
        m.d.sync += w3.eq(Mux(written, moved, w2))
        counted = [delay(s, 1, n) for s, n in ((visited, "v"), (gate, "g"), (written, "e"))]
        old = delay(w2, 1, "old")

        if f.fades:
            # Stage 4: one step towards zero.
            fade = delay(self._fade(), 2, "fade")
            floor = delay(self.u_decay, 3, "floor")
            fades = delay(fade & visited, 1, "fades")  # no gate but activity
            magnitude = Signal(w_bits)
            m.d.comb += magnitude.eq(Mux(w3 < 0, -w3, w3))
            w4 = Signal(signed(w_bits), reset_less=True)
            m.d.sync += w4.eq(w3)
            with m.If(fades & (magnitude > floor)):
                m.d.sync += w4.eq(Mux(w3 < 0, w3 + 1, w3 - 1))
            counted = [delay(s, 1, n) for s, n in zip(counted, ("vv", "gg", "ee"), strict=True)]
            old = delay(old, 1, "older")
            w3 = w4

        if f.centring:
            # Last stage: one step against what the rows have in common.
            lean = Signal(signed(3), reset_less=True)
            m.d.sync += lean.eq(self.lean_i + self.lean_j)
            coin = delay(self.r_push, 1, "coin")
            raised, lowered = Signal(reset_less=True), Signal(reset_less=True)
            m.d.sync += [raised.eq(both & (coin < -lean)), lowered.eq(both & (coin < lean))]
            raised = delay(raised, self.latency - 3, "raise")
            lowered = delay(lowered, self.latency - 3, "lower")
            w5 = Signal(signed(w_bits), reset_less=True)
            m.d.sync += w5.eq(w3)
            with m.If(raised & (w3 != top)):
                m.d.sync += w5.eq(w3 + 1)
            with m.If(lowered & (w3 != -top)):
                m.d.sync += w5.eq(w3 - 1)
            counted = [delay(s, 1, n) for s, n in zip(counted, ("cv", "cg", "ce"), strict=True)]
            old = delay(old, 1, "oldest")
            w3 = w5

        m.d.comb += [
            self.w_out.eq(w3),
            self.valid.eq(delay(self.en, self.latency, "valid", reset_less=False)),
            self.visited.eq(counted[0]),
            self.gated_on.eq(counted[1]),
            self.written.eq(counted[2]),
            self.changed.eq(counted[0] & (w3 != old)),
        ]
        return m

    def _counts(self) -> Any:
        """Return whether there is a pair: both oscillators active, and a link."""
        pair = self.en & self.act_i & self.act_j
        if self.formats.mask:
            pair &= self.w_in != self.formats.no_link
        return pair

    def _fade(self) -> Any:
        """Return whether the pair may take a step towards zero."""
        f = self.formats
        if not f.budget:
            return self.r_decay
        shrinks = self.r_shrink & (self.over_i | self.over_j)
        return shrinks | self.r_decay if f.decay else shrinks
