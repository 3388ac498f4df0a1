"""Random streams in logic: LFSRs that leap over a whole draw in one clock."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model import prng


def leaped(state: Signal, bits: int) -> Any:
    """Return the state after a leap of ``bits`` bits."""
    new = reduce(xor, (state[lag - bits : lag] for lag in prng.LAGS))
    return Cat(new, state[: prng.BITS - bits])


class Stream(wiring.Component):
    """One random stream (unit `prng`): 31-bit LFSR of `drai_hw.model.prng`, newest bit in bit 0.

    ``state`` is the present draw; ``step`` leaps to the next within one clock, ``reseed`` returns
    to the start and wins over ``step``. Costs 31 flip-flops and
    ``leap_bits`` XOR gates of four inputs.

    Parameters
    ----------
    seed : int
        Start state, 1 to 2**31 - 1.
    leap_bits : int
        Bits a draw consumes, 1 to `drai_hw.model.prng.MAX_LEAP`.
    """

    def __init__(self, seed: int, leap_bits: int) -> None:
        self._seed = seed
        self._leap_bits = leap_bits
        super().__init__({"step": In(1), "reseed": In(1), "state": Out(prng.BITS)})

    def elaborate(self, platform: Any) -> Module:
        """Build the register."""
        m = Module()
        state = Signal(prng.BITS, init=self._seed)
        with m.If(self.reseed):
            m.d.sync += state.eq(self._seed)
        with m.Elif(self.step):
            m.d.sync += state.eq(leaped(state, self._leap_bits))
        m.d.comb += self.state.eq(state)
        return m
