"""Short simulations of the serial line and of SPI, traced for timing diagrams."""

from __future__ import annotations

from typing import Any

from drai_hw.rtl.core import Core
from drai_hw.rtl.frame import FRAME, Op
from drai_hw.rtl.spi import CLOCKS_PER_SCK, FILL, SpiTop
from drai_hw.rtl.top import Top
from drai_hw.sim.port_scenes import FORMATS, Scene, play
from drai_hw.sim.wavejson import Row, Trace

_DIVISOR = 4
_BIT_NAMES = ("start", *map(str, range(8)), "stop")
_IDLE = 256  # no byte


def uart() -> tuple[Trace, Trace]:
    """Return the bits of one byte, and the bytes of a request and its response."""
    top = Top(Core(FORMATS), 1e6, round(1e6 / _DIVISOR))
    request = FRAME.encode_request(Op.READ, 1, 0, count=1)
    bits = Trace(
        f"Serial line: byte {request[0]:02x}, one column a bit time",
        (Row("rx"), Row("bit", 8, lambda s: 0 <= s["bit"] < 10, _BIT_NAMES.__getitem__)),
        None,
    )
    frames = Trace(
        "Serial line: read MAGIC, one column a byte time",
        (Row("rx", 8, lambda s: s["rx"] != _IDLE), Row("tx", 8, lambda s: s["tx"] != _IDLE)),
        None,
    )
    sent: list[tuple[int, int]] = []
    received: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, {"rx": top.rx, "tx": top.tx}, bits)
        clocks, bit = 0, -1
        held: list[int] = []  # levels of tx while a byte comes

        async def bit_time() -> None:
            nonlocal clocks
            for k in range(_DIVISOR):
                if not held and not scene.get("tx"):
                    held.append(clocks)
                if held and (clocks - held[0]) % _DIVISOR == _DIVISOR // 2:
                    held.append(scene.get("tx"))
                if len(held) == 11:
                    byte = sum(level << n for n, level in enumerate(held[2:10]))
                    received.append((held[0], byte))
                    held.clear()
                if k == _DIVISOR // 2 and scene.on:
                    bits.add({"rx": scene.get("rx"), "bit": bit})
                await ctx.tick()
                clocks += 1

        scene.set(rx=1)
        await bit_time()
        for byte in request:
            sent.append((clocks, byte))
            for bit, level in enumerate((0, *(byte >> k & 1 for k in range(8)), 1)):  # noqa: B007
                scene.set(rx=level)
                await bit_time()
            scene.on = False
        while len(received) < FRAME.response_header + 6:
            await bit_time()

    play(top, bench)
    byte_time = 10 * _DIVISOR
    start = sent[0][0]
    columns = -(-(received[-1][0] - start) // byte_time) + 1
    for k in range(-1, columns):

        def at(events: list[tuple[int, int]], column: int = k) -> int:
            found = [byte for clock, byte in events if (clock - start) // byte_time == column]
            return found[0] if found else _IDLE

        frames.add({"rx": at(sent), "tx": at(received)})
    return bits, frames


def spi() -> tuple[Trace, Trace]:
    """Return the bits of one byte, and the bytes of a request and its response."""
    top = SpiTop(Core(FORMATS), 1e6)
    request = FRAME.encode_request(Op.READ, 1, 0, count=1)
    rows = tuple(Row(name) for name in ("cs_n", "sck", "mosi", "miso", "miso_oe"))
    bits = Trace(
        f"SPI: the first byte under a chip select, {request[0]:02x} out and "
        f"{FRAME.response_sync[0]:02x} back; two columns a period of SCK",
        rows,
        None,
    )
    frames = Trace(
        "SPI: read MAGIC, one column a byte; the response follows filling",
        (Row("cs_n"), Row("mosi", 8, lambda s: not s["cs_n"]),
         Row("miso", 8, lambda s: not s["cs_n"])),
        None,
    )  # fmt: skip
    ports = {name: getattr(top, name) for name in ("cs_n", "sck", "mosi", "miso", "miso_oe")}

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, ports, bits)
        scene.on = False

        async def half() -> None:
            for k in range(CLOCKS_PER_SCK // 2):
                if scene.on and k == CLOCKS_PER_SCK // 2 - 1:
                    scene.sample()
                await ctx.tick()

        async def transfer(data: bytes) -> bytes:
            back = bytearray()
            scene.set(cs_n=0)
            for byte in data:
                got = 0
                for k in range(7, -1, -1):
                    scene.set(mosi=byte >> k & 1)
                    await half()
                    got = got << 1 | scene.get("miso")
                    scene.set(sck=1)
                    await half()
                    scene.set(sck=0)
                back.append(got)
                frames.add({"cs_n": 0, "mosi": byte, "miso": got})
            await half()
            scene.set(cs_n=1)
            await half()
            frames.add({"cs_n": 1, "mosi": 0, "miso": 0})
            return bytes(back)

        frames.add({"cs_n": 1, "mosi": 0, "miso": 0})
        await half()
        await transfer(request)
        await half()
        await transfer(bytes([FILL] * (FRAME.response_header + 6)))
        # Once more, bit by bit: the answer to a second request is at hand when it is sent again.
        frames.columns, kept = [], frames.columns
        await transfer(request)
        await ctx.tick().repeat(200)
        scene.on = True
        await half()
        await transfer(request[:1])
        await half()
        frames.columns = kept

    play(top, bench)
    return bits, frames
