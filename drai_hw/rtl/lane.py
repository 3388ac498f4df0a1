"""One lane of the half-ring: a local and a rotating oscillator, their sums, and a synapse."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model import prng
from drai_hw.model.numbers import Formats
from drai_hw.rtl.counters import EVENTS, tree_sum
from drai_hw.rtl.prng import Stream
from drai_hw.rtl.synapse import Synapse
from drai_hw.rtl.timing import page_word

PRODUCTS = ("mul", "logic")


class Lane(wiring.Component):
    """Evaluate one pair a clock and pass the rotating oscillator on.

    A lane of a core with replicas has no synapse: ``weight_out`` is ``weight``, for the host.

    The difference of the phase pair serves both the coupling, ``w T[d + offset]`` added with its
    own sign to the local and the rotating sum, and the learning rule. The phase ring and the sum
    ring make the same moves, the latter ``SUM_STAGE - PHASE_STAGE`` clocks later, so the latency
    of the product costs no clock. Sums cannot overflow (`Formats.acc_bits`).

    Parameters
    ----------
    formats : Formats
        Widths and tables.
    index : int
        Number of the lane, 0 to L-1.
    product : {"mul", "logic"}
        Multiplier (a DSP block where the device has many) or shift-and-add on sign and magnitude.
    """

    def __init__(self, formats: Formats, index: int, product: str) -> None:
        if product not in PRODUCTS:
            raise ValueError(f"product = {product!r}: known are {', '.join(PRODUCTS)}")
        self.formats = formats
        self.index = index
        self.product = product
        word = page_word(formats)
        acc, w = signed(formats.acc_bits), signed(formats.weight_bits)
        # A weight that nothing changes is there for the write port at once; 1 at least.
        self.synapse = Synapse(formats) if formats.learns else None
        self.write_lag = self.synapse.latency if self.synapse else 1
        super().__init__(
            {
                # Stage PHASE_STAGE - 1: random draws.
                **({"draw": In(1), "reseed": In(1)} if formats.learns else {}),
                **({"eta": In(17), "decay": In(17)} if formats.learns else {}),
                **({"shrink": In(17)} if formats.budget else {}),
                # Stage PHASE_STAGE: phase ring.
                "page": In(word),
                "load_local": In(1),
                "load_rotating": In(1),
                "shift": In(1),
                "next_word": In(word),
                "word": Out(word),
                "pair": In(1),
                **({"learn": In(1)} if formats.learns else {}),
                "weight": In(w),
                "weight_out": Out(w),
                # Constant during a pass.
                **({"u_g": In(formats.phase_bits - 1)} if formats.learns else {}),
                **(
                    {"g_plus": In(1), "g_minus": In(1)}
                    if formats.learns and formats.one_sided
                    else {}
                ),
                "even": In(1),
                "minus_local": In(1),
                "minus_rotating": In(1),
                # Instead of the table: 1, or the weight's sign, or the square waves.
                **({"flat": In(1)} if formats.edge or formats.census_passes else {}),
                **({"absolute": In(1)} if formats.budget else {}),
                **({"edge": In(1)} if formats.edge else {}),
                # Stage SUM_STAGE: sum ring; `merge_ahead` comes one clock earlier.
                "clear_local": In(1),
                "add_local": In(1),
                "load_sum": In(1),
                "first": In(1),  # the loaded sum is zero
                "shift_sum": In(1),
                "merge_ahead": In(1),
                "merge": In(1),
                "page_sum": In(acc),
                "next_sum": In(acc),
                "sum": Out(acc),
                "passed_sum": Out(acc),
                # In step with weight_out.
                **({name: Out(1) for name in EVENTS} if formats.learns else {}),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build streams, phase ring, synapse, product and sum ring."""
        m = Module()
        if self.synapse:
            self._streams(m, self.synapse)
        index, both = self._phases(m)
        self._sums(m, *self._product(m, index, both))
        return m

    def _streams(self, m: Module, synapse: Synapse) -> None:
        """Turn the lane's random streams into events, ready at PHASE_STAGE."""
        f = self.formats
        m.submodules.eta_stream = eta = Stream(f.eta_seeds[self.index], prng.LEAP)
        m.d.comb += [eta.step.eq(self.draw), eta.reseed.eq(self.reseed)]
        event = Signal(reset_less=True)
        m.d.sync += event.eq(eta.state[:16] < self.eta)
        m.d.comb += synapse.r_eta.eq(event)
        if f.centring:
            push = Signal(2, reset_less=True)
            m.d.sync += push.eq(eta.state[16:18])
            m.d.comb += synapse.r_push.eq(push)
        if f.fades:
            m.submodules.decay_stream = decay = Stream(f.decay_seeds[self.index], prng.LEAP)
            m.d.comb += [decay.step.eq(self.draw), decay.reseed.eq(self.reseed)]
            fade = Signal(reset_less=True)
            floor = Signal(f.weight_bits - 1, reset_less=True)
            m.d.sync += [
                fade.eq(decay.state[:16] < self.decay),
                floor.eq(decay.state[16 : 16 + f.weight_bits - 1]),
            ]
            m.d.comb += [synapse.r_decay.eq(fade), synapse.u_decay.eq(floor)]
            if f.budget:
                shrink = Signal(reset_less=True)
                m.d.sync += shrink.eq(decay.state[:16] < self.shrink)
                m.d.comb += synapse.r_shrink.eq(shrink)

    def _phases(self, m: Module) -> tuple[Signal, Signal]:
        """Build the phase ring and the synapse; return place in the table and "pair counts"."""
        f = self.formats
        local = Signal(page_word(f), name="local_word", reset_less=True)
        rotating = Signal(page_word(f), name="rotating_word", reset_less=True)
        with m.If(self.load_local):
            m.d.sync += local.eq(self.page)
        with m.If(self.load_rotating):
            m.d.sync += rotating.eq(self.page)
        with m.Elif(self.shift):
            m.d.sync += rotating.eq(self.next_word)
        m.d.comb += self.word.eq(rotating)
        if self.synapse:
            self._synapse(m, self.synapse, local, rotating)
        else:
            m.d.comb += self.weight_out.eq(self.weight)
        if f.edge:  # what j's wave gives i, and i's wave j: the leading bits, two clocks later
            self._waves = [
                self._later(m, word.top[-1], name)
                for word, name in ((rotating, "wave_here"), (local, "wave_there"))
            ]
        pair = self.pair & local.active & rotating.active
        if f.mask:
            pair &= self.weight != f.no_link
        # The synapse forms the same difference, synthesis merges them; an even pass adds a quarter.
        d = Signal(f.phase_bits)
        m.d.comb += d.eq(rotating.top - local.top)
        index = Signal(f.phase_bits, reset_less=True)
        both = Signal(reset_less=True)
        m.d.sync += [
            index.eq(Cat(d[:-2], d[-2:] + self.even)),
            both.eq(pair),
        ]
        return index, both

    def _synapse(self, m: Module, synapse: Synapse, local: Any, rotating: Any) -> None:
        """Join the synapse to the ends of the pair."""
        f = self.formats
        m.submodules.synapse = synapse
        m.d.comb += [
            synapse.en.eq(self.pair & self.learn),
            synapse.phi_i.eq(local.top),
            synapse.phi_j.eq(rotating.top),
            synapse.gate_i.eq(local.margin),
            synapse.gate_j.eq(rotating.margin),
            synapse.act_i.eq(local.active),
            synapse.act_j.eq(rotating.active),
            synapse.u_g.eq(self.u_g),
            synapse.w_in.eq(self.weight),
            self.weight_out.eq(synapse.w_out),
        ]
        for name in EVENTS:
            m.d.comb += getattr(self, name).eq(getattr(synapse, name))
        if f.one_sided:
            m.d.comb += [synapse.g_plus.eq(self.g_plus), synapse.g_minus.eq(self.g_minus)]
        if f.resonance:
            m.d.comb += [synapse.om_i.eq(local.om), synapse.om_j.eq(rotating.om)]
        if f.budget:
            m.d.comb += [synapse.over_i.eq(local.over), synapse.over_j.eq(rotating.over)]
        if f.centring:
            m.d.comb += [synapse.lean_i.eq(local.lean), synapse.lean_j.eq(rotating.lean)]

    def _later(self, m: Module, value: Any, name: str) -> Signal:
        """Delay a bit by two clocks, to the entry of the table."""
        first = Signal(name=f"{name}_1", reset_less=True)
        second = Signal(name=f"{name}_2", reset_less=True)
        m.d.sync += [first.eq(value), second.eq(first)]
        return second

    def _product(self, m: Module, index: Signal, both: Signal) -> tuple[Signal, Signal, Signal]:
        """Multiply; return the value and whether it is subtracted here and there."""
        f = self.formats
        w1 = Signal(signed(f.weight_bits), reset_less=True)
        w2 = Signal(signed(f.weight_bits), reset_less=True)
        m.d.sync += [w1.eq(self.weight), w2.eq(w1)]
        amplitude_bits = f.table_amplitude.bit_length()
        negative = Signal()
        if self.product == "mul":
            entry = Signal(signed(amplitude_bits + 1), reset_less=True)
            table = Array(C(value, entry.shape()) for value in f.coupling)
            found: Any = table[index]
            if f.edge or f.census_passes:
                one: Any = Mux(self.absolute & (w1 < 0), -1, 1) if f.budget else 1
                found = Mux(self.flat, one, found)
            m.d.sync += entry.eq(Mux(both, found, 0))
            value = Signal(signed(amplitude_bits + f.weight_bits), reset_less=True)
            m.d.sync += value.eq(entry * w2)
        else:
            # The table is odd: half of it, and the sign is the top bit of the index.
            size = Signal(amplitude_bits, reset_less=True)
            minus = Signal(reset_less=True)
            half = 1 << (f.phase_bits - 1)
            table = Array(C(value, amplitude_bits) for value in f.coupling[:half])
            found, sign = table[index[:-1]], index[-1]
            if f.edge or f.census_passes:
                found = Mux(self.flat, 1, found)
                sign = Mux(self.flat, self.absolute & (w1 < 0) if f.budget else 0, sign)
            m.d.sync += [size.eq(Mux(both, found, 0)), minus.eq(sign)]
            magnitude = Signal(f.weight_bits - 1)
            m.d.comb += magnitude.eq(Mux(w2 < 0, -w2, w2))
            value = Signal(amplitude_bits + f.weight_bits - 1, reset_less=True)
            parts = [Mux(magnitude[bit], size << bit, 0) for bit in range(f.weight_bits - 1)]
            m.d.sync += value.eq(tree_sum(parts))
            m.d.comb += negative.eq(minus ^ w2[-1])
        here = Signal(reset_less=True)
        there = Signal(reset_less=True)
        minus_here, minus_there = negative ^ self.minus_local, negative ^ self.minus_rotating
        if f.edge:
            minus_here ^= self.edge & self._waves[0]
            minus_there ^= self.edge & self._waves[1]
        m.d.sync += [
            here.eq(minus_here),
            # In the merge clock the rotating adder takes the local sum as it is.
            there.eq(minus_there & ~self.merge_ahead),
        ]
        return value, here, there

    def _sums(self, m: Module, value: Signal, here: Signal, there: Signal) -> None:
        """Build local and rotating sums."""
        acc = signed(self.formats.acc_bits)
        local = Signal(acc, name="local_sum", reset_less=True)
        rotating = Signal(acc, name="rotating_sum", reset_less=True)

        def add(total: Any, term: Any, minus: Any) -> Any:
            """Add or subtract by complement and carry: the adder's carry input is a bit below."""
            wide = Signal(acc)
            m.d.comb += wide.eq((Cat(C(1, 1), total) + Cat(minus, term)) >> 1)
            return wide

        def signed_term(minus: Any, name: str) -> Signal:
            term = Signal(acc, name=name)
            m.d.comb += term.eq(value)
            out = Signal(acc, name=f"{name}_signed")
            m.d.comb += out.eq(term ^ minus.replicate(len(term)))
            return out

        with m.If(self.clear_local):
            m.d.sync += local.eq(0)
        with m.Elif(self.add_local):
            m.d.sync += local.eq(add(local, signed_term(here, "here_term"), here))
        term = Mux(self.merge, local, signed_term(there, "there_term"))
        m.d.comb += [self.sum.eq(rotating), self.passed_sum.eq(add(rotating, term, there))]
        with m.If(self.load_sum):
            m.d.sync += rotating.eq(Mux(self.first, 0, self.page_sum))
        with m.Elif(self.shift_sum):
            m.d.sync += rotating.eq(self.next_sum)
