"""The sweep through the learning function: which threshold a learning pass has."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

from drai_hw.model.learning import golden_stride
from drai_hw.model.numbers import Formats


def sweep(m: Module, formats: Formats, reseed: Any, step: Any) -> dict[str, Any]:
    """Return the threshold, one a learning pass, and the sides of one-sided passes.

    Parameters
    ----------
    m : Module
        Where the counters are put.
    formats : Formats
        Learning function and window.
    reseed : Value
        Back to the first pass; wins over ``step``.
    step : Value
        A learning pass has ended.

    Returns
    -------
    dict of str to Signal
        ``u_g``, with one-sided passes ``g_plus`` and ``g_minus`` as well.
    """
    f = formats
    place = Signal(range(f.window), name="sweep")
    threshold = Signal(f.phase_bits - 1, reset_less=True)
    stride: Any = 1
    settings: list[Any] = [threshold]
    if f.one_sided:
        # The order of `sorted_pass`: one further after each window.
        number = Signal(range(f.window))
        with m.If(reseed):
            m.d.sync += number.eq(0)
        with m.Elif(step):
            m.d.sync += number.eq(number + 1)
        stride = golden_stride(f.window) + number.all()
        plus = Signal(reset_less=True)
        minus = Signal(reset_less=True)
        settings += [plus, minus]
    with m.Switch(place):
        for index, values in enumerate(f.passes):
            with m.Case(index):
                m.d.sync += [s.eq(v) for s, v in zip(settings, values, strict=False)]
    with m.If(reseed):
        m.d.sync += place.eq(0)
    with m.Elif(step):
        m.d.sync += place.eq(place + stride)
    return dict(zip(("u_g", "g_plus", "g_minus"), settings, strict=False))
