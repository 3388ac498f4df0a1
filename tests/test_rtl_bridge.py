# amaranth: UnusedElaboratable=no
import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from drai_hw.errors import SpecError
from drai_hw.rtl.bridge import Bridge
from drai_hw.rtl.frame import FRAME, Op, Response, Status
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.top import Top
from drai_hw.sim.regfile import RegisterFile

TIMEOUT_CLOCKS = 64
STATUS = REGISTERS["STATUS"].address


class Rig:
    """Bridge and register file in the Amaranth simulator; `send` gives the answers."""

    def __init__(self, ctx, bridge, core):
        self.ctx, self.bridge, self.core = ctx, bridge, core

    async def put(self, data, gap=4):
        for byte in data:
            self.ctx.set(self.bridge.rx_data, byte)
            self.ctx.set(self.bridge.rx_valid, 1)
            await self.ctx.tick()
            self.ctx.set(self.bridge.rx_valid, 0)
            for _ in range(gap):
                await self.ctx.tick()

    async def take(self, n, patience=4000):
        out = bytearray()
        self.ctx.set(self.bridge.tx_ready, 1)
        while len(out) < n and patience:
            valid, byte = self.ctx.get(self.bridge.tx_valid), self.ctx.get(self.bridge.tx_data)
            await self.ctx.tick()
            if valid:
                out.append(byte)
            else:
                patience -= 1
        self.ctx.set(self.bridge.tx_ready, 0)
        return bytes(out)

    async def answer(self, patience=4000):
        head = await self.take(FRAME.response_header, patience)
        if not head:
            return None
        return FRAME.decode_response(head + await self.take(FRAME.response_rest(head)))

    async def send(self, frame):
        await self.put(frame)
        return await self.answer()

    def words(self):
        return [self.ctx.get(self.core.memory.data[k]) for k in range(64)]

    def writes(self):
        return self.ctx.get(self.core.writes)

    async def hold(self, busy):
        self.ctx.set(self.core.hold, busy)
        await self.ctx.tick()


def play(scenario, init=None):
    m = Module()
    m.submodules.bridge = bridge = Bridge(timeout_clocks=TIMEOUT_CLOCKS)
    m.submodules.core = core = RegisterFile(init)
    for name in ("addr", "wdata", "we", "re"):
        m.d.comb += getattr(core, name).eq(getattr(bridge, name))
    for name in ("rdata", "ack", "busy"):
        m.d.comb += getattr(bridge, name).eq(getattr(core, name))
    ran = []

    async def bench(ctx):
        await ctx.tick().repeat(2)
        await scenario(Rig(ctx, bridge, core))
        ran.append(True)

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert ran == [True]


def test_random_bursts_leave_the_registers_as_a_python_list_says():
    rng = random.Random(2)

    async def scenario(rig):
        model = list(range(100, 164))
        for tag in range(60):
            addr, count = rng.randrange(64), rng.choice((1, 2, 3, 17))
            fixed = rng.random() < 0.3
            at = [addr if fixed else (addr + k) % 64 for k in range(count)]
            op = Op.FIXED if fixed else Op.READ
            if rng.random() < 0.5:
                words = [rng.getrandbits(32) for _ in at]
                got = await rig.send(FRAME.encode_request(op | Op.WRITE, tag, addr, words))
                for k, word in zip(at, words, strict=True):
                    model[k] = word
                assert got == Response(tag, Status.OK, ())
            else:
                got = await rig.send(FRAME.encode_request(op, tag, addr, count=count))
                assert got == Response(tag, Status.OK, tuple(model[k] for k in at))
        assert rig.words() == model

    play(scenario, list(range(100, 164)))


def test_the_longest_frame_is_carried_out():
    async def scenario(rig):
        words = [k * 0x01010101 for k in range(FRAME.max_words)]
        frame = FRAME.encode_request(Op.WRITE, 1, 0, words)
        assert await rig.send(frame) == Response(1, Status.OK, ())
        assert rig.writes() == FRAME.max_words
        got = await rig.send(FRAME.encode_request(Op.READ, 2, 0, count=FRAME.max_words))
        assert got.words == tuple((words + words)[64:127] + words[63:64] + words[64:127])

    play(scenario)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_damage_to_any_byte_writes_nothing_and_the_next_frame_works(flip):
    async def scenario(rig):
        good = FRAME.encode_request(Op.WRITE, 7, 10, [0x11111111, 0x22222222])
        for k in range(len(good)):
            bad = bytearray(good)
            bad[k] ^= flip
            await rig.put(bad)
            await rig.ctx.tick().repeat(4 * TIMEOUT_CLOCKS)
            got = await rig.answer()
            if k < 2:
                assert got is None  # without its opening it is no frame at all
            else:
                assert got.status in (Status.BAD_CRC, Status.TIMEOUT)
            assert rig.writes() == 0
            probe = await rig.send(FRAME.encode_request(Op.READ, k, 0, count=1))
            assert probe == Response(k, Status.OK, (5,))
        assert await rig.send(good) == Response(7, Status.OK, ())
        assert rig.writes() == 2

    play(scenario, [5])


def test_a_truncated_frame_is_given_up_and_the_next_one_is_answered():
    async def scenario(rig):
        whole = FRAME.encode_request(Op.WRITE, 9, 3, [1, 2, 3])
        for length in range(2, len(whole)):
            await rig.put(whole[:length])
            await rig.ctx.tick().repeat(3 * TIMEOUT_CLOCKS)
            cut = await rig.answer()
            assert cut.status == Status.TIMEOUT
            assert cut.words == ()
            assert rig.writes() == 0
        assert await rig.send(whole) == Response(9, Status.OK, ())
        assert rig.writes() == 3

    play(scenario)


def test_a_pause_shorter_than_the_timeout_does_no_harm():
    async def scenario(rig):
        await rig.put(FRAME.encode_request(Op.WRITE, 9, 3, [1]), gap=TIMEOUT_CLOCKS - 2)
        assert await rig.answer() == Response(9, Status.OK, ())

    play(scenario)


def test_frames_without_a_pause_are_answered_in_turn():
    async def scenario(rig):
        frames = [FRAME.encode_request(Op.WRITE, t, t, [t * 3, t * 5]) for t in range(1, 13)]
        await rig.put(b"".join(frames), gap=3)
        for tag in range(1, 13):
            assert await rig.answer() == Response(tag, Status.OK, ())
        assert rig.words()[1:14] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 60]

    play(scenario)


def test_garbage_between_frames_is_stepped_over():
    rng = random.Random(3)
    first, second = FRAME.request_sync

    async def scenario(rig):
        for tag in range(30):
            garbage = bytes(rng.randrange(256) for _ in range(rng.randrange(12)))
            garbage = garbage.replace(bytes(FRAME.request_sync), b"\0\0")
            garbage += bytes([first] * rng.randrange(3))  # a false start right before the frame
            got = await rig.send(garbage + FRAME.encode_request(Op.WRITE, tag, 8, [tag]))
            assert got == Response(tag, Status.OK, ())
        assert rig.writes() == 30
        assert second != first

    play(scenario)


def test_more_than_the_buffer_holds_is_lost_but_never_half_executed():
    async def scenario(rig):
        frames = [FRAME.encode_request(Op.WRITE, t, 0, [t] * 20) for t in range(1, 11)]
        await rig.put(b"".join(frames), gap=0)  # nothing is taken from the transmitter meanwhile
        await rig.ctx.tick().repeat(3 * TIMEOUT_CLOCKS)
        statuses = []
        while (got := await rig.answer()) is not None:
            statuses.append(got.status)
        done = statuses.count(Status.OK)
        assert 2 <= done < len(frames)
        assert rig.writes() == 20 * done
        assert await rig.send(FRAME.encode_request(Op.WRITE, 99, 5, [6])) == Response(99, 0, ())

    play(scenario)


def test_a_repeated_write_is_confirmed_but_not_done_again():
    async def scenario(rig):
        frame = FRAME.encode_request(Op.WRITE | Op.FIXED, 4, 9, [1, 2])
        for _ in range(3):
            assert await rig.send(frame) == Response(4, Status.OK, ())
        assert rig.writes() == 2
        await rig.send(FRAME.encode_request(Op.READ, 5, 0, count=1))
        assert await rig.send(frame) == Response(4, Status.OK, ())
        assert rig.writes() == 4

    play(scenario)


def test_the_first_write_after_reset_is_done_whatever_its_tag():
    async def scenario(rig):
        assert await rig.send(FRAME.encode_request(Op.WRITE, 0, 9, [1])) == Response(0, 0, ())
        assert rig.writes() == 1

    play(scenario)


def test_a_busy_core_gets_nothing_but_reads_of_status():
    async def scenario(rig):
        await rig.hold(1)
        write = FRAME.encode_request(Op.WRITE, 1, 9, [1, 2])
        assert await rig.send(write) == Response(1, Status.BUSY, ())
        read = FRAME.encode_request(Op.READ, 2, 9, count=1)
        assert await rig.send(read) == Response(2, Status.BUSY, ())
        poll = FRAME.encode_request(Op.READ, 3, STATUS, count=1)
        assert await rig.send(poll) == Response(3, Status.OK, (77,))
        status_write = FRAME.encode_request(Op.WRITE, 4, STATUS, [1])
        assert await rig.send(status_write) == Response(4, Status.BUSY, ())
        assert rig.writes() == 0
        await rig.hold(0)
        assert await rig.send(write) == Response(1, Status.OK, ())
        assert rig.writes() == 2

    play(scenario, [0] * STATUS + [77])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((0x04, 1, 0, 1), Status.UNKNOWN_OP),
        ((0x80, 1, 0, 1), Status.UNKNOWN_OP),
        ((0x00, 1, 64, 1), Status.BAD_ADDRESS),
        ((0x00, 1, 128, 1), Status.BAD_ADDRESS),
        ((0x00, 1, 0, 0), Status.BAD_LENGTH),
        ((0x00, 1, 0, 128), Status.BAD_LENGTH),
        ((0x01, 1, 0, 0), Status.BAD_LENGTH),
    ],
)
def test_a_request_that_means_nothing_is_refused_by_name(fields, status):
    async def scenario(rig):
        assert await rig.send(FRAME.pack_request(*fields)) == Response(1, status, ())
        assert rig.writes() == 0
        assert (await rig.send(FRAME.encode_request(Op.READ, 2, 0, count=1))).status == Status.OK

    play(scenario)


def test_the_activity_output_changes_with_every_answer():
    async def scenario(rig):
        seen = []
        for tag in range(4):
            await rig.send(FRAME.encode_request(Op.READ, tag, 0, count=1))
            seen.append(rig.ctx.get(rig.bridge.activity))
        assert seen in ([0, 1, 0, 1], [1, 0, 1, 0])

    play(scenario)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(SpecError, match="timeout_clocks=4 given; at least 16"):
        Bridge(timeout_clocks=4)
    with pytest.raises(SpecError, match="buffer_bytes=256 given; a power of two above 510"):
        Bridge(timeout_clocks=64, buffer_bytes=256)
    with pytest.raises(SpecError, match="without the bus ports addr"):
        Top(object(), 12e6, 115200)


def test_frames_out_of_range_are_refused_by_the_encoder():
    with pytest.raises(SpecError, match="frame of 0 words"):
        FRAME.encode_request(Op.WRITE, 0, 0, [])
    with pytest.raises(SpecError, match="frame of 128 words"):
        FRAME.encode_request(Op.READ, 0, 0, count=128)
    with pytest.raises(SpecError, match="address 64"):
        FRAME.encode_request(Op.READ, 0, 64, count=1)
    with pytest.raises(SpecError, match="tag 256"):
        FRAME.encode_request(Op.READ, 256, 0, count=1)


def test_a_bridge_is_a_component_with_the_ports_of_the_bus():
    ports = Bridge(timeout_clocks=64).signature.members
    assert ports["addr"].flow == wiring.Out
    assert {"addr", "wdata", "we", "re", "rdata", "ack", "busy"} <= set(ports)


def test_a_burst_that_meets_a_busy_core_stops_there_and_can_be_sent_again():
    async def scenario(rig):
        frame = FRAME.encode_request(Op.WRITE, 1, 9, [1, 2, 3, 4])
        await rig.put(frame, gap=2)
        while rig.writes() < 2:
            await rig.ctx.tick()
        await rig.hold(1)
        assert await rig.answer() == Response(1, Status.BUSY, ())
        assert rig.writes() in (2, 3)
        assert rig.words()[12] == 0
        await rig.hold(0)
        assert await rig.send(frame) == Response(1, Status.OK, ())
        assert rig.words()[9:13] == [1, 2, 3, 4]

    play(scenario)


def test_a_burst_that_was_stopped_does_not_go_on_when_the_core_is_free_again():
    async def scenario(rig):
        await rig.put(FRAME.encode_request(Op.WRITE, 1, 9, list(range(1, 31))), gap=2)
        while rig.writes() < 2:
            await rig.ctx.tick()
        await rig.hold(1)
        await rig.ctx.tick().repeat(60)  # some words are refused, the rest of the burst is to come
        await rig.hold(0)
        assert await rig.answer() == Response(1, Status.BUSY, ())
        assert rig.writes() in (2, 3)

    play(scenario)


def test_bytes_that_pour_in_do_not_touch_the_frame_being_carried_out():
    async def scenario(rig):
        words = [k * 0x01020408 for k in range(1, 128)]
        await rig.put(FRAME.encode_request(Op.WRITE, 1, 0, words), gap=1)
        await rig.put(b"\xff" * 700, gap=0)
        assert await rig.answer() == Response(1, Status.OK, ())
        assert rig.words() == words[64:] + words[63:64]

    play(scenario)


@pytest.mark.parametrize("count", [1, 2, 20, 127])
def test_a_write_reaches_the_bus_within_the_stated_clocks(count):
    bridge = Bridge(timeout_clocks=TIMEOUT_CLOCKS)
    m = Module()
    m.submodules.bridge = bridge
    m.d.comb += bridge.ack.eq(bridge.we | bridge.re)  # a core that takes no time of its own
    took = []

    async def bench(ctx):
        frame = FRAME.encode_request(Op.WRITE, 1, 0, [1] * count)
        for byte in frame:
            await ctx.tick().repeat(4)
            ctx.set(bridge.rx_data, byte)
            ctx.set(bridge.rx_valid, 1)
            await ctx.tick()
            ctx.set(bridge.rx_valid, 0)
        clocks, writes = 0, 0
        while writes < count:
            writes += ctx.get(bridge.we)
            clocks += 1
            await ctx.tick()
        took.append(clocks)

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert 13 * count <= took[0] <= 13 * count + 5
