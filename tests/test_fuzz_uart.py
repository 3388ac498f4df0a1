# amaranth: UnusedElaboratable=no
"""Anything on the serial line: no wrong value, no other error than the link's, no hang."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from drai_hw.boards.host import Device
from drai_hw.boards.host.exchange import _NOISE_LIMIT_BYTES, Busy, Exchange
from drai_hw.errors import LinkError
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.rtl.frame import FRAME, Op, Status
from drai_hw.rtl.top import FRAME_TIMEOUT_S
from tests.bridge_model import BridgeModel
from tests.test_boards_host import Board
from tests.test_rtl_bridge import TIMEOUT_CLOCKS, play
from tests.uart_babble import BYTE_S, Babble, Words, stream
from tests.uart_rig import BridgeRig, PinRig

SMALL = Formats(n=4, lanes=4, pages=1)
TIMEOUT_S, RETRIES = 0.5, 3

# What an attempt may take: a wait, noise up to its limit, the rest of an answer, and the settling.
WIRE_S = (2 * FRAME.max_words * 4 + 50) * BYTE_S
ATTEMPT_S = 3 * (TIMEOUT_S + WIRE_S) + _NOISE_LIMIT_BYTES * BYTE_S + 8 * 2.5 * FRAME_TIMEOUT_S


def exchanges(seed: int, tally) -> None:
    """Read and write over a babbling line; what comes through is right, in time."""
    rng = random.Random(f"exchange {seed}")
    board = Words()
    link = Babble(board, rng, rate=rng.choice((0.1, 0.5, 1.0)))
    exchange = Exchange(link, timeout_s=TIMEOUT_S, retries=RETRIES)
    for _ in range(20):
        addr, count = rng.randrange(64), rng.choice((1, 2, 30, 60))
        words = [rng.getrandbits(32) for _ in range(count)]
        before_s, before = link.time_s, link.requests
        writes = rng.random() < 0.5
        message = ""
        try:
            if writes:
                exchange.write(addr, words)
                assert [board.words[(addr + k) & 63] for k in range(count)] == words[:count]
            else:
                got = exchange.read(addr, count)
                assert list(got) == [board.words[(addr + k) & 63] for k in range(count)]
            tally["went through"] += 1
        except LinkError as error:
            message = str(error)
            tally["refused"] += 1
        if message:
            assert message.startswith("port 'babbling port': ")
            assert f"(attempts: {RETRIES + 1})" in message or "refuses a request" in message
        assert link.requests - before <= RETRIES + 1
        assert link.time_s - before_s <= (RETRIES + 1) * ATTEMPT_S
    tally["frames"] += link.requests
    tally["strange frames"] += link.strange


@pytest.mark.parametrize("count", [25, pytest.param(2_000, marks=pytest.mark.full)])
def test_a_host_gets_right_words_or_an_error_in_time(count, tally):
    for seed in range(count):
        exchanges(seed, tally)
    assert tally["went through"] > tally["refused"] > 0


def sessions(seed: int, tally) -> None:
    """Drive a device that may lie with a right checksum; any result, but in time."""
    rng = random.Random(f"session {seed}")
    link = Babble(Board(SMALL), rng, rate=rng.choice((0.02, 0.2, 1.0)), forge=True)
    message = link.name
    try:
        device = Device(link, SMALL, timeout_s=TIMEOUT_S, retries=RETRIES)
        device.load_phases(np.arange(4) * 1000)
        device.configure(Settings(gain=7))
        device.run(3)
        device.read_phases()
        device.read_weights()
        device.counters()
        tally["went through"] += 1
    except LinkError as error:
        message = str(error)
        tally["refused"] += 1
    except Busy:  # an outcome inside the driver
        pytest.fail("Busy came out")
    assert link.name in message
    assert link.requests < 5_000
    assert link.time_s <= link.requests * ATTEMPT_S
    tally["frames"] += link.requests
    tally["strange frames"] += link.strange


@pytest.mark.parametrize("count", [40, pytest.param(3_000, marks=pytest.mark.full)])
def test_a_device_that_lies_ends_in_an_error_of_the_link_or_in_time(count, tally):
    for seed in range(count):
        sessions(seed, tally)
    assert tally["refused"] > 0
    assert tally["went through"] > 0


def test_noise_that_drips_is_not_listened_to_for_minutes():
    """Eleven random bytes a second: no pause is as long as a wait for an answer."""
    link = Babble(Words(), random.Random(1), rate=0.0)
    link.write = lambda data: setattr(link, "endless", 0.09)  # type: ignore[method-assign]
    exchange = Exchange(link, timeout_s=TIMEOUT_S, retries=0)
    with pytest.raises(LinkError, match=r"garbage answers: 1\d bytes that are no drai_hw frame"):
        exchange.read(0, 1)
    assert link.time_s < 2.0


# -- the bridge itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1])
def test_random_streams_into_the_bridge_are_answered_as_its_model_does(seed):
    rng = random.Random(f"bridge {seed}")
    model = BridgeModel(Words())

    async def scenario(rig):
        for _ in range(8):
            data = stream(rng)[:60]
            wanted = model.feed(data) + model.silence()
            await rig.put(data, gap=2)
            assert await rig.take(len(wanted), patience=6 * TIMEOUT_CLOCKS) == wanted
            assert await rig.take(1, patience=4 * TIMEOUT_CLOCKS) == b""
        assert rig.writes() == model.board.writes
        assert rig.words() == model.board.words

    play(scenario, list(range(100, 164)))


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cxxrtl")


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_many_streams_into_the_compiled_bridge_write_nothing_with_a_wrong_checksum(
    seed, cache, tally
):
    """Every answer and every write is the model's, and a good request behind it is carried out."""
    rng = random.Random(f"compiled bridge {seed}")
    board = Words()
    model, rig = BridgeModel(board), BridgeRig(cache)
    rig.send(FRAME.pack_request(1, 255, 0, 64, board.words))
    wanted = model.feed(FRAME.pack_request(1, 255, 0, 64, board.words))
    assert rig.answer(len(wanted)) == wanted
    for number in range(5_000):
        data = stream(rng)
        wanted = model.feed(data) + model.silence()
        for status in responses(wanted):
            tally[status] += 1
        rig.send(data, gap=rng.choice((6, 12)))
        assert rig.answer(len(wanted)) == wanted, (number, data.hex(" "))
        assert rig.writes() == board.writes & 0xFFFF, (number, data.hex(" "))
        probe = FRAME.encode_request(Op.READ, number & 0xFF, rng.randrange(64), count=1)
        rig.send(probe)
        wanted = model.feed(probe)
        assert rig.answer(len(wanted)) == wanted, (number, data.hex(" "))
        tally["streams"] += 1
    assert tally["BAD_CRC"] > 500
    assert tally["OK"] > 500


def responses(data: bytes) -> list[str]:
    """Return the statuses of responses one after the other."""
    out = []
    while data:
        size = FRAME.response_header + FRAME.response_rest(data[: FRAME.response_header])
        out.append(Status(FRAME.decode_response(data[:size]).status).name)
        data = data[size:]
    return out


def waveform(rng: random.Random, divisor: int) -> list[int]:
    """Return levels of a line, clock by clock, that is disturbed in some way."""
    kind = rng.randrange(5)
    if kind == 0:  # white noise
        return [rng.randrange(2) for _ in range(rng.choice((50, 500)))]
    if kind == 1:  # spikes
        return [int(rng.random() > 0.02) for _ in range(800)]
    if kind == 2:  # a break
        return [0] * rng.choice((30, 100, 1000))
    # Frames at another bit rate, or with clocks lost and doubled.
    bits = [1, 1]
    for byte in stream(rng)[:40]:
        bits += [0, *(byte >> k & 1 for k in range(8)), 1]
    clocks = [
        bit for bit in bits for _ in range(divisor if kind == 3 else rng.choice((2, 3, 5, 9)))
    ]
    if kind == 3:
        for _ in range(rng.choice((1, 3, 10))):
            at = rng.randrange(len(clocks))
            clocks[at : at + rng.choice((0, 1, 2))] = [rng.randrange(2)] * rng.choice((0, 1, 2))
    return clocks


@pytest.mark.full
def test_any_waveform_on_the_line_writes_nothing_and_a_good_frame_behind_it_is_answered(
    cache, tally
):
    rng = random.Random("waveforms")
    rig = PinRig(cache)
    words: dict[int, int] = {}
    for number in range(3_000):
        before = rig.writes()
        rig.line(waveform(rng, rig.divisor))
        rig.rest()
        statuses = responses(rig.take())
        if rig.writes() != before:  # a frame that the disturbance left whole
            assert "OK" in statuses
            words.clear()
        for status in statuses:
            tally[status] += 1
        addr, word = rng.randrange(64), rng.getrandbits(32)
        at = rng.choice([*words, addr])
        words.setdefault(addr, rig_word(rig, addr))
        rig.send(FRAME.encode_request(Op.READ, 255, at, count=1))
        rig.rest()
        assert rig.take() == FRAME.encode_response(255, Status.OK, [words[at]]), number
        count = rig.writes()
        rig.send(FRAME.encode_request(Op.WRITE, number % 255, addr, [word]))
        words[addr] = word
        rig.rest()
        assert rig.take() == FRAME.encode_response(number % 255, Status.OK), number
        assert rig.writes() == count + 1 & 0xFFFF, number
        tally["waveforms"] += 1
    assert tally["TIMEOUT"] > 100
    assert tally["BAD_CRC"] > 50


def rig_word(rig: PinRig, addr: int) -> int:
    """Return a register by a request of its own."""
    rig.send(FRAME.encode_request(Op.READ, 255, addr, count=1))
    rig.rest()
    return FRAME.decode_response(rig.take()).words[0]
