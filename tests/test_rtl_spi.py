# amaranth: UnusedElaboratable=no
import random

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from drai_hw.boards.host.spi import Unfilled
from drai_hw.errors import SpecError
from drai_hw.rtl.frame import FRAME, Op, Response, Status
from drai_hw.rtl.spi import CLOCKS_PER_SCK, FILL, SpiTop
from drai_hw.sim.regfile import RegisterFile

HALF = CLOCKS_PER_SCK // 2


class Master:
    """SPI master in mode 0; MISO is taken right before SCK rises. Halves may be longer."""

    def __init__(self, ctx, top, rng):
        self.ctx, self.top, self.rng = ctx, top, rng
        self.jitter = 0

    async def half(self):
        await self.ctx.tick().repeat(HALF + self.rng.randint(0, self.jitter))

    async def select(self, level):
        self.ctx.set(self.top.cs_n, 1 - level)
        if not level:
            await self.ctx.tick().repeat(HALF)

    async def bits(self, byte, count=8):
        got = 0
        for k in range(count):
            self.ctx.set(self.top.mosi, byte >> (7 - k) & 1)
            await self.half()
            got = got << 1 | self.ctx.get(self.top.miso)
            self.ctx.set(self.top.sck, 1)
            await self.half()
            self.ctx.set(self.top.sck, 0)
        return got

    async def transfer(self, data):
        await self.select(1)
        back = bytes([await self.bits(byte) for byte in data])
        await self.half()
        await self.select(0)
        return back

    async def answer(self, found=b"", patience=200):
        """Clock filling until a whole response has come."""
        unfilled, data = Unfilled(), bytearray()
        data += unfilled.feed(found)
        for _ in range(patience):
            if len(data) >= FRAME.response_header:
                rest = FRAME.response_rest(bytes(data[: FRAME.response_header]))
                if len(data) == FRAME.response_header + rest:
                    return FRAME.decode_response(bytes(data))
            data += unfilled.feed(await self.transfer(bytes([FILL] * self.rng.randint(1, 9))))
        return None

    async def send(self, frame):
        return await self.answer(await self.transfer(frame))


def play(scenario, *, clock_hz=1e6, timeout_s=0.02):
    m = Module()
    m.submodules.core = core = RegisterFile(list(range(1000, 1064)))
    top = SpiTop(core, clock_hz, timeout_s=timeout_s)
    ran = []

    async def testbench(ctx):
        await scenario(Master(ctx, top, random.Random(3)), core)
        ran.append(True)

    simulator = Simulator(top)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert ran


@pytest.mark.parametrize("jitter", [0, 5])
def test_frames_read_and_write_registers_and_answers_have_no_gap(jitter):
    async def scenario(master, core):
        master.jitter = jitter
        rng = random.Random(jitter)
        model = list(range(1000, 1064))
        for tag in range(12):
            first, count = rng.randrange(64), rng.choice((1, 2, 9))
            at = [(first + k) % 64 for k in range(count)]
            if rng.random() < 0.5:
                words = [rng.getrandbits(32) for _ in at]
                got = await master.send(FRAME.encode_request(Op.WRITE, tag, first, words))
                assert got == Response(tag, Status.OK, ())
                for address, word in zip(at, words, strict=True):
                    model[address] = word
            else:
                got = await master.send(FRAME.encode_request(Op.READ, tag, first, count=count))
                assert got == Response(tag, Status.OK, tuple(model[k] for k in at))

    play(scenario)


def test_the_line_is_filled_while_no_answer_is_due_and_driven_only_under_chip_select():
    async def scenario(master, core):
        assert await master.transfer(bytes(range(1, 7))) == bytes([FILL] * 6)
        await master.ctx.tick().repeat(HALF)
        assert not master.ctx.get(master.top.miso_oe)
        await master.select(1)
        await master.ctx.tick().repeat(HALF)
        assert master.ctx.get(master.top.miso_oe)

    play(scenario)


@pytest.mark.parametrize("kept", [3, 4, 7, 9, 11])
def test_a_request_cut_by_chip_select_is_answered_at_once_and_writes_nothing(kept):
    frame = FRAME.encode_request(Op.WRITE, 9, 5, [0x12345678])

    async def scenario(master, core):
        # The bridge would wait for 20,000 clocks of silence, the transfers below take 3,000.
        got = await master.send(frame[:kept])
        assert got is not None
        assert got.status == Status.TIMEOUT
        assert master.ctx.get(core.writes) == 0
        assert await master.send(frame) == Response(9, Status.OK, ())
        assert master.ctx.get(core.writes) == 1

    play(scenario)


@pytest.mark.parametrize("extra_bits", [1, 4, 7])
def test_bits_that_make_no_byte_are_dropped_with_chip_select(extra_bits):
    async def scenario(master, core):
        await master.select(1)
        await master.bits(0xD7, extra_bits)
        await master.select(0)
        got = await master.send(FRAME.encode_request(Op.READ, 1, 0, count=1))
        assert got == Response(1, Status.OK, (1000,))

    play(scenario)


def test_an_answer_waits_across_chip_selects_byte_by_byte():
    async def scenario(master, core):
        await master.transfer(FRAME.encode_request(Op.READ, 1, 0, count=2))
        await master.ctx.tick().repeat(200)
        wanted = FRAME.encode_response(1, Status.OK, (1000, 1001))
        got = b"".join([await master.transfer(bytes([FILL])) for _ in range(len(wanted) + 3)])
        assert got.strip(bytes([FILL])) == wanted

    play(scenario)


def test_sck_beyond_its_limit_is_too_fast():
    """The stated limit is no idle one: at half as many clocks a bit MISO comes too late."""

    async def scenario(master, core):
        async def half():
            await master.ctx.tick().repeat(HALF // 2)

        master.half = half
        request = FRAME.encode_request(Op.READ, 1, 0, count=1)
        await master.transfer(request)
        wanted = FRAME.encode_response(1, Status.OK, (1000,))
        assert wanted not in await master.transfer(bytes([FILL] * 40))

    play(scenario)


def test_a_clock_that_is_no_frequency_is_refused():
    with pytest.raises(SpecError, match="clock_hz=0 given"):
        SpiTop(RegisterFile(), 0)


def test_filling_is_dropped_between_responses_and_kept_inside():
    rng = random.Random(4)
    frames = [FRAME.encode_response(tag, Status.OK, [0] * rng.randrange(4)) for tag in range(20)]
    stream = b"".join(bytes([FILL] * rng.randrange(5)) + frame for frame in frames)
    unfilled, out = Unfilled(), b""
    for k in range(0, len(stream), 7):
        out += unfilled.feed(stream[k : k + 7])
    assert out == b"".join(frames)


def test_noise_is_handed_on_and_the_next_response_is_found():
    frame = FRAME.encode_response(1, Status.OK, [7])
    noise = b"\x41\x00\x00\x42\x43"
    assert Unfilled().feed(b"\x00" + noise + b"\x00\x00" + frame) == noise + frame
