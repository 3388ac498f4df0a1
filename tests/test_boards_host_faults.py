# amaranth: UnusedElaboratable=no
"""Faults on the line, any of them, anywhere: recovered from or reported, never silently wrong."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drai_hw.boards.host import Device, SpiLink, stream_phases
from drai_hw.boards.host.access import RegisterAccess
from drai_hw.errors import LinkError, SpecError
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl.frame import FRAME, Op
from drai_hw.rtl.spi import FILL
from drai_hw.rtl.top import FRAME_TIMEOUT_S
from tests.bridge_model import BridgeModel
from tests.test_boards_host import Board, BridgeLink, assert_same, script
from tests.test_rtl_bridge import TIMEOUT_CLOCKS, play

FORMATS = Formats(n=15, lanes=8, pages=2)  # bursts end within words of weights
KINDS = ("lose", "flip", "insert", "cut", "twice", "drop all", "late")


class Line:
    """Bytes to a bridge and back, with faults.

    `faults` are (number of the message, kind, place, value); messages are counted in both
    directions, requests even, answers odd. Time passes only where the host waits.
    """

    name, baud = "bad line", 115_200

    def __init__(self, board, faults=()):
        self.bridge = BridgeModel(board)
        self.faults = {}
        for number, *fault in faults:
            self.faults.setdefault(number, []).append(fault)
        self.count = self.applied = 0
        self.waiting = b""
        self.held = b""  # an answer that comes with the next one
        self.time_s = self.quiet_s = 0.0

    def damage(self, data, parity):
        for kind, place, value in self.faults.get(2 * self.count + parity, ()):
            at = place % (len(data) or 1)
            self.applied += 1
            if kind == "lose":
                data = data[:at] + data[at + 1 :]
            elif kind == "flip" and data:
                data = data[:at] + bytes([data[at] ^ (value or 1)]) + data[at + 1 :]
            elif kind == "insert":
                data = data[:at] + bytes([value]) + data[at:]
            elif kind == "cut":
                data = data[:at]
            elif kind == "twice":
                data = data * 2
            elif kind == "drop all":
                data = b""
            elif kind == "late" and parity:
                data, self.held = self.held, data
        return data

    def write(self, data):
        self.quiet_s = 0.0
        answer = self.bridge.feed(self.damage(data, 0))
        if answer:
            released, self.held = self.held, b""
            answer = self.damage(released + answer, 1)
        self.waiting += answer
        self.count += 1

    def read(self, n, timeout_s):
        if len(self.waiting) < n:
            self.time_s += timeout_s
            self.quiet_s += timeout_s
            if self.quiet_s > 2 * FRAME_TIMEOUT_S:
                self.waiting += self.bridge.silence()
                if self.held:  # late, but not for ever
                    self.waiting, self.held = self.waiting + self.held, b""
        got, self.waiting = self.waiting[:n], self.waiting[n:]
        self.time_s += 0.001
        return got

    def now_s(self):
        return self.time_s

    def close(self):
        pass


@pytest.fixture(scope="module")
def truth():
    return script(Twin(FORMATS))


def messages():
    """Return how many messages the script takes on a good line."""
    line = Line(Board(FORMATS))
    script(Device(line, FORMATS))
    return 2 * line.count


MESSAGES = messages()


def outcome(faults, truth):
    """Run the script on a bad line; True if it went through, False if a fault was reported."""
    line = Line(Board(FORMATS), faults)
    try:
        found = script(Device(line, FORMATS))
    except LinkError:
        return False
    assert_same(found, truth)
    return True


fault = st.tuples(
    st.integers(0, MESSAGES + 8),
    st.sampled_from(KINDS),
    st.integers(0, 260),
    st.integers(0, 255),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(fault, min_size=1, max_size=12))
def test_random_faults_in_both_directions_are_never_silently_wrong(truth, faults):
    outcome(faults, truth)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(400))
def test_many_random_faults_are_never_silently_wrong(seed, truth, tally):
    rng = random.Random(seed)
    count = rng.choice((1, 3, 10, 40))
    through = outcome(
        [
            (rng.randrange(MESSAGES), rng.choice(KINDS), rng.randrange(260), rng.randrange(256))
            for _ in range(count)
        ],
        truth,
    )
    tally["went through" if through else "refused"] += 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parity", [0, 1])
def test_one_fault_in_ten_messages_is_recovered_from(kind, parity, truth):
    """Far apart, so that the repeats of one request are not hit again."""
    rng = random.Random(f"{kind} {parity}")
    faults = [
        (number + parity, kind, rng.randrange(260), rng.randrange(256))
        for number in range(10, MESSAGES, 20)
    ]
    if kind == "twice" and not parity:
        outcome(faults, truth)  # a run whose start came twice is told, see below
    else:
        assert outcome(faults, truth)


def small(machine):
    """Write and read every kind of register once."""
    machine.load_phases(np.arange(4) * 1000 + 5)
    machine.configure(Settings(gain=7))
    return machine.read_phases().tolist(), machine.counters()


SMALL = Formats(n=4, lanes=4, pages=1)


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("kind", ["lose", "flip", "cut", "insert"])
def test_a_fault_at_every_place_of_every_message_is_recovered_from(kind, parity):
    wanted = small(Twin(SMALL))
    board = Board(SMALL)
    Device(Line(board), SMALL)  # in its start state
    good = Line(board)
    small(Device(good, SMALL, reset=False))
    # All messages of load, configure and read; the requests are at most 25 bytes long.
    for number in range(good.count):
        for place in range(0, 26 if number > 1 else 0):
            line = Line(board, [(2 * number + parity, kind, place, 0xFF)])
            assert small(Device(line, SMALL, reset=False)) == wanted, (number, place)
            assert line.applied == 1


def test_a_stream_read_twice_by_the_line_is_noticed_and_read_again():
    """Both answers are good frames; only the address tells that words were stepped over."""
    formats = Formats(n=70, lanes=10, pages=7)
    phases = np.arange(70) * 100
    board = Board(formats)
    Device(Line(board), formats).load_phases(phases)
    line = Line(board)
    device = Device(line, formats, reset=False)
    # INDEX, then 60 words of STATE: that request comes twice.
    line.faults[2 * (line.count + 1)] = [("twice", 0, 0)]
    assert device.read_phases().tolist() == phases.tolist()
    assert line.applied == 1


def test_without_the_look_at_the_address_the_stream_would_be_wrong(monkeypatch):
    monkeypatch.setattr(RegisterAccess, "_moved", lambda *_: True)
    with pytest.raises(AssertionError):
        test_a_stream_read_twice_by_the_line_is_noticed_and_read_again()


def test_a_run_that_an_old_request_starts_again_is_reported():
    board = Board(SMALL)
    link = BridgeLink(board)
    device = Device(link, SMALL)
    start = board._command

    def twice(word):
        start(word)
        start(word)

    board._command = twice
    with pytest.raises(LinkError, match=r"'fake port': the core did 6 steps where 3 were asked"):
        device.run(3)


def test_settings_that_do_not_read_back_are_written_again_and_reported_when_they_never_do():
    board = Board(SMALL)
    device = Device(BridgeLink(board), SMALL)
    read, lies = board.read, [1]

    def once_wrong(address):
        word = read(address)
        if address == 8 and lies[0]:
            lies[0] -= 1
            return word ^ 4
        return word

    board.read = once_wrong
    device.configure(Settings(gain=9))
    lies[0] = 10**6
    with pytest.raises(LinkError, match=r"'fake port': settings written do not read back"):
        device.configure(Settings(gain=9))


# -- the model of the bridge against its logic -----------------------------------------------------


class Words:
    """A register file of 64 words."""

    def __init__(self):
        self.words = list(range(100, 164))

    def allows(self, op, address):
        return True

    def read(self, address):
        return self.words[address]

    def write(self, address, word):
        self.words[address] = word


@pytest.mark.parametrize("seed", range(3))
def test_the_model_of_the_bridge_answers_as_its_logic_does(seed):
    rng = random.Random(seed)
    model = BridgeModel(Words())

    def stream():
        frame = FRAME.encode_request(
            rng.choice((Op.READ, Op.WRITE, Op.FIXED, Op.WRITE | Op.FIXED)),
            rng.randrange(4),
            rng.randrange(64),
            [rng.getrandbits(32) for _ in range(rng.randint(1, 3))],
            count=rng.randint(1, 3),
        )
        data = bytearray(frame)
        for _ in range(rng.choice((0, 0, 1, 2))):
            at = rng.randrange(len(data))
            if rng.random() < 0.5:
                data[at] ^= 1 << rng.randrange(8)
            else:
                del data[at]
        return bytes(rng.randrange(256) for _ in range(rng.choice((0, 0, 3)))) + bytes(data)

    async def scenario(rig):
        for _ in range(25):
            data = stream()
            wanted = model.feed(data) + model.silence()
            await rig.put(data, gap=2)
            got = await rig.take(len(wanted), patience=4 * TIMEOUT_CLOCKS)
            assert got == wanted
            assert await rig.take(1, patience=4 * TIMEOUT_CLOCKS) == b""
        assert rig.words() == model.board.words

    play(scenario, list(range(100, 164)))


# -- SPI -----------------------------------------------------------------------------------------


class Bus:
    """SPI master's end: full duplex, filling between answers, faults in single bytes."""

    def __init__(self, board, rng=None, rate=0.0):
        self.bridge, self.rng, self.rate = BridgeModel(board), rng, rate
        self.waiting = bytearray()
        self.faults = 0
        self.time_s = 0.0

    def _bad(self, byte):
        if self.rng and self.rng.random() < self.rate:
            self.faults += 1
            return byte ^ 1 << self.rng.randrange(8)
        return byte

    def transfer(self, data):
        back = bytes(
            self._bad(self.waiting.pop(0) if self.waiting else FILL) for _ in range(len(data))
        )
        self.waiting += self.bridge.feed(bytes(self._bad(byte) for byte in data))
        self.waiting += self.bridge.silence()  # chip select rises
        self.time_s += 8e-6 * len(data)
        return back

    def link(self):
        return SpiLink(self.transfer, 1e6, name="bad bus", now_s=lambda: self.time_s)


def test_the_driver_over_spi_equals_the_twin(truth):
    assert_same(script(Device(Bus(Board(FORMATS)).link(), FORMATS)), truth)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_on_spi_are_recovered_from_or_reported(seed, truth):
    rate = (2e-4, 1e-3, 5e-3)[seed % 3]
    bus = Bus(Board(FORMATS), random.Random(seed), rate)
    reported = False
    try:
        assert_same(script(Device(bus.link(), FORMATS, retries=6)), truth)
    except LinkError:
        reported = True
    assert bus.faults > 0
    assert rate > 1e-3 or not reported


def test_a_bus_that_is_gone_closed_or_short_is_reported():
    def gone(data):
        raise OSError("no such device")

    with pytest.raises(LinkError, match="port 'SPI' went away: no such device"):
        SpiLink(gone, 1e6).write(b"x")
    with pytest.raises(LinkError, match="2 bytes were sent and 1 came back"):
        SpiLink(lambda data: data[1:], 1e6).write(b"xy")
    link = SpiLink(lambda data: data, 1e6)
    link.close()
    link.close()
    with pytest.raises(LinkError, match="was closed"):
        link.write(b"x")


# -- phases of a run -----------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "every"), [(11, 1), (11, 3), (12, 4), (2, 5), (0, 1)])
def test_streamed_phases_are_those_of_one_long_run(steps, every):
    twin, device = Twin(FORMATS), Device(BridgeLink(Board(FORMATS)), FORMATS)
    for machine in (twin, device):
        machine.configure(Settings(gain=100, shil_max=4000, shil_step=300))
        machine.load_phases(np.arange(15) * 3000)
    found = list(device.stream_phases(steps, every))
    assert [done for done, _ in found] == [*range(every, steps, every)] + [steps] * (steps > 0)
    for (done, phases), (again, others) in zip(
        found, stream_phases(twin, steps, every), strict=True
    ):
        assert done == again
        assert np.array_equal(phases, others)
    whole = Twin(FORMATS)
    whole.configure(Settings(gain=100, shil_max=4000, shil_step=300))
    whole.load_phases(np.arange(15) * 3000)
    whole.run(steps)
    assert np.array_equal(whole.read_phases(), device.read_phases())


def test_a_stream_of_impossible_parts_is_refused_before_anything_runs():
    with pytest.raises(SpecError, match="every = 0 given"):
        stream_phases(Twin(FORMATS), 3, 0)
    with pytest.raises(SpecError, match="steps = -1 given"):
        stream_phases(Twin(FORMATS), -1)
