"""Pins of an SDRAM on an Amaranth platform: registers in the pins, the chip's clock inverted."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, ClockDomain, ClockSignal, Module, Signal
from amaranth.lib import io

from drai_hw.rtl.sdram_controller import SdramController


def connect_pins(m: Module, platform: Any, resource: str, memory: SdramController) -> None:
    """Put a controller's registers onto the pins.

    Commands and addresses leave through registers in the pins, the clock through a double-rate
    register, inverted: the chip's rising edge comes half a clock after they change. What the chip
    sends is taken at the falling edge of the core's clock, two of the chip's edges after the one
    at which it took the READ (CAS latency 2), and handed to the rising edge half a clock later.
    At 50 MHz that leaves the way out 10 ns less the chip's 1.5 ns of set-up, and the way back
    20 ns less the chip's access time of 6 ns, for pads, board and the way to the register.

    Parameters
    ----------
    m : Module
        Gets the buffers.
    platform : amaranth.build.Platform
        Has the resource, with the names of `amaranth_boards.resources.SDRAMResource`.
    resource : str
        Its name.
    memory : SdramController
        Whose registers they are.
    """
    names = [part.name for part in platform.lookup(resource, 0).ios if hasattr(part, "name")]
    pins = platform.request(resource, 0, dir=dict.fromkeys(names, "-"))
    outputs = {
        "clk_en": C(1, 1),
        "cs": C(1, 1),
        "ras": memory.command[2],
        "cas": memory.command[1],
        "we": memory.command[0],
        "ba": memory.pin_bank,
        "a": memory.pin_address,
        "dqm": C(0, 2),
    }
    for name, value in outputs.items():
        if name in names:
            m.submodules[f"sdram_{name}"] = buffer = io.FFBuffer("o", getattr(pins, name))
            m.d.comb += buffer.o.eq(value)
    m.submodules.sdram_clk = clock = io.DDRBuffer("o", pins.clk)
    m.d.comb += clock.o.eq(Cat(C(0, 1), C(1, 1)))
    # A pin has one register each way, both of rising edges: the data's are beside it.
    m.submodules.sdram_dq = data = io.Buffer("io", pins.dq)
    m.domains.sdram_in = ClockDomain(clk_edge="neg", reset_less=True, local=True)
    m.d.comb += ClockSignal("sdram_in").eq(ClockSignal())
    half = Signal(len(memory.data_in), reset_less=True)
    out, drive = Signal(len(memory.data_out), reset_less=True), Signal()
    m.d.sdram_in += half.eq(data.i)
    m.d.sync += [out.eq(memory.data_out), drive.eq(memory.data_drive)]
    m.d.comb += [data.o.eq(out), data.oe.eq(drive), memory.data_in.eq(half)]
