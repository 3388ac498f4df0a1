# amaranth: UnusedElaboratable=no
import os
import pty
import random
import threading

import numpy as np
import pytest

from drai_hw.boards.host import Device, SerialLink
from drai_hw.errors import LinkError, SpecError, ToolError
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl.core import Core, identity
from drai_hw.rtl.frame import FRAME, Op, Status
from drai_hw.rtl.registers import MAGIC, MAP_VERSION, REGISTERS, Cfg, Command
from drai_hw.rtl.timing import address_bits
from drai_hw.sim.regfile import RegisterFile
from drai_hw.sim.simulated import SimulatedLink

SMALL = Formats(n=7, lanes=4, pages=2)
AT = {name: register.address for name, register in REGISTERS.items()}
NAME = {address: name for name, address in AT.items()}


class Board:
    """The register map in Python over a twin: what a core does with bus accesses."""

    def __init__(self, formats, busy_polls=1):
        self.formats, self.twin = formats, Twin(formats)
        self.registers = dict.fromkeys(AT, 0)
        self.busy = 0
        self.busy_polls = busy_polls
        self.lane = self.steps_done = 0
        digest = identity(formats)
        self.fixed = {
            "MAGIC": MAGIC,
            "VERSION": MAP_VERSION | formats.n << 16,
            "DIGEST0": digest & 0xFFFFFFFF,
            "DIGEST1": digest >> 32,
            "GEOMETRY": formats.lanes | formats.pages << 16,
        }

    def allows(self, op, address):
        return not self.busy or (not op & Op.WRITE and address == AT["STATUS"])

    def _slot(self):
        slot = self.registers["INDEX"]
        self.registers["INDEX"] = (slot + 1) % (1 << address_bits(self.formats.slots))
        return slot % self.formats.slots

    def _weight(self):
        word, lane = self.registers["WEIGHT_ADDRESS"], self.lane
        self.lane = (lane + 1) % self.formats.lanes
        word_count = 1 << address_bits(self.formats.pair_slots)
        self.registers["WEIGHT_ADDRESS"] = (word + (self.lane == 0)) % word_count
        s = self.twin._schedule
        word %= self.formats.pair_slots
        return s.i[word, lane], s.j[word, lane], s.used[word, lane]

    def read(self, address):
        name = NAME[address]
        if name == "STATUS":
            self.busy = max(0, self.busy - 1)
            return int(self.busy > 0)
        if name == "STATE":
            slot = self._slot()
            return int(self.twin.theta[slot]) | int(self.twin.margin[slot]) << 31
        if name == "WEIGHT":
            i, j, used = self._weight()
            return int(self.twin.weights[i, j]) & 0xFFFFFFFF if used else 0x5A
        if name in ("VISITED", "GATED_ON", "WRITTEN", "CHANGED"):
            return getattr(self.twin.counters(), name.lower())
        if name == "STEPS_DONE":
            return self.steps_done
        return self.fixed.get(name, self.registers[name])

    def write(self, address, word):
        name, twin, f = NAME[address], self.twin, self.formats
        signed = word - (word >> 31 << 32)
        if name == "STATE":
            twin.theta[self._slot()] = word & ((1 << f.accumulator_bits) - 1)
        elif name == "OMEGA":
            twin.omega[self._slot()] = signed
        elif name == "INPUT":
            slot = self._slot()
            twin.strength[slot] = word & 0xFFF
            twin.psi[slot] = word >> Cfg.PSI & ((1 << f.phase_bits) - 1)
            twin.clamp[slot] = word >> Cfg.CLAMP & 1
            twin.active[slot] = word >> Cfg.ACTIVE & 1
        elif name == "WEIGHT":
            i, j, used = self._weight()
            if used:
                twin.weights[i, j] = twin.weights[j, i] = signed
        elif name == "CONTROL":
            self._command(word)
        else:
            self.registers[name] = word
            self.lane = 0 if name == "WEIGHT_ADDRESS" else self.lane

    def _command(self, word):
        r = self.registers
        if word & Command.RESEED:
            self.twin.reseed()
        if word & Command.RUN:
            self.twin.settings = Settings(
                gain=r["GAIN"], shil_max=r["SHIL_MAX"], shil_step=r["SHIL_STEP"], eta=r["ETA"],
                decay=r["DECAY"], dither=r["DITHER"], gates=r["GATES"],
                margin=r["MARGIN"] - (r["MARGIN"] >> 31 << 32),
            )  # fmt: skip
            self.busy = 1 + self.busy_polls
            self.steps_done += r["STEPS"]
            self.twin.run(
                r["STEPS"],
                field=bool(word & Command.FIELD),
                couple=bool(word & Command.COUPLE),
                learn=bool(word & Command.LEARN),
                resume=bool(word & Command.RESUME),
            )


class BridgeLink:
    """A link to a `Board` through a model of the bridge; `fault(count, request, answer)` may
    return what arrives instead of an answer."""

    name, baud = "fake port", 115_200

    def __init__(self, board, fault=None):
        self.board, self.fault = board, fault or (lambda count, request, answer: answer)
        self.waiting = b""
        self.count = self.executed = 0
        self.last_tag = None
        self.time_s = 0.0

    def write(self, data):
        self.count += 1
        body, given = data[2:-2], data[-2:]
        assert data[:2] == bytes(FRAME.request_sync)
        assert FRAME.crc.compute(body).to_bytes(2, "big") == given
        op, tag, address, length = body[:4]
        words, status = [], Status.OK
        if op & Op.WRITE and tag == self.last_tag:
            pass
        elif not self.board.allows(op, address):
            status = Status.BUSY
        else:
            self.last_tag = tag
            self.executed += 1
            for k in range(length):
                at = address if op & Op.FIXED else address + k
                if op & Op.WRITE:
                    word = int.from_bytes(body[4 + 4 * k : 8 + 4 * k], "little")
                    self.board.write(at, word)
                else:
                    words.append(self.board.read(at))
        self.waiting += self.fault(self.count, data, FRAME.encode_response(tag, status, words))

    def read(self, n, timeout_s):
        got, self.waiting = self.waiting[:n], self.waiting[n:]
        if len(got) < n:
            self.time_s += timeout_s
        self.time_s += 0.001
        return got

    def now_s(self):
        return self.time_s

    def close(self):
        pass


def script(machine):
    """Load, learn, recall: every call of the machine protocol. Returns all that can be read."""
    f = machine.formats
    rng = np.random.default_rng(7)
    upper = np.triu(rng.integers(-f.w_max, f.w_max + 1, (f.n, f.n)), 1)
    seen = []
    machine.load_weights(upper + upper.T)
    machine.load_omega(rng.integers(-200, 200, f.n))
    machine.load_inputs(
        rng.integers(0, 1 << f.phase_bits, f.n),
        rng.integers(0, 4096, f.n),
        np.arange(f.n) == 2,
        np.arange(f.n) != 4,
    )
    machine.reseed()
    settings = {"gain": 300, "eta": 40000, "margin": -40, "shil_max": 60, "shil_step": 7}
    machine.configure(Settings(**settings, dither=4))
    for _ in range(2):
        machine.load_phases(rng.integers(0, 1 << f.accumulator_bits, f.n))
        machine.run(1, field=True, couple=False)
        seen.append(machine.read_margins())
        machine.run(3, learn=True)
        seen += [machine.read_phases(), machine.read_weights()]
    machine.run(4, field=True, learn=True)
    machine.run(3, resume=True)
    seen += [machine.read_phases(), machine.read_weights(), machine.counters()]
    return seen


def assert_same(a, b):
    assert len(a) == len(b)
    for k, (x, y) in enumerate(zip(a, b, strict=True)):
        assert np.array_equal(x, y), f"reading {k}: {x} differs from {y}"


@pytest.mark.parametrize(
    "formats", [SMALL, Formats(n=6, lanes=6, pages=1), Formats(n=70, lanes=66, pages=2)]
)
def test_a_board_driven_by_the_host_equals_the_twin(formats):
    assert_same(script(Device(BridgeLink(Board(formats)), formats)), script(Twin(formats)))


@pytest.mark.parametrize("period", [3, 4, 7])
@pytest.mark.parametrize(
    "kind", ["lost", "damaged", "cut", "noise before", "noise instead", "twice"]
)
def test_faults_on_the_line_change_no_bit(kind, period):
    rng = random.Random(period)

    def fault(count, request, answer):
        if count % period:
            return answer
        if kind == "lost":
            return b""
        if kind == "damaged":
            k = rng.randrange(len(answer))
            return answer[:k] + bytes([answer[k] ^ 1 << rng.randrange(8)]) + answer[k + 1 :]
        if kind == "cut":
            return answer[: rng.randrange(len(answer))]
        if kind == "twice":
            return answer * 2
        noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 40)))
        return noise + (answer if kind == "noise before" else b"")

    formats = Formats(n=15, lanes=8, pages=2)  # bursts end within words of weights
    device = Device(BridgeLink(Board(formats), fault), formats)
    assert_same(script(device), script(Twin(formats)))
    if kind not in ("noise before", "twice"):
        assert device.exchange.repeated > 10


def test_a_run_longer_than_the_core_can_count_is_split_and_the_ramp_goes_on(monkeypatch):
    monkeypatch.setattr("drai_hw.boards.host.device.MAX_STEPS", 4)
    machines = Device(BridgeLink(Board(SMALL)), SMALL), Twin(SMALL)
    for machine in machines:
        machine.configure(Settings(shil_max=4000, shil_step=300))
        machine.load_phases(np.arange(7) * 9000)
        machine.run(11)
    assert_same([machines[0].read_phases()], [machines[1].read_phases()])
    assert machines[0].link.board.registers["STEPS"] == 3


def test_a_core_used_before_is_brought_to_the_start_state():
    board = Board(SMALL)
    script(Device(BridgeLink(board), SMALL))
    assert_same(script(Device(BridgeLink(board), SMALL)), script(Twin(SMALL)))


def test_without_reset_the_state_of_the_core_is_kept():
    board = Board(SMALL)
    Device(BridgeLink(board), SMALL).load_phases(np.arange(7) * 1000)
    again = Device(BridgeLink(board), SMALL, reset=False)
    assert again.read_phases().tolist() == list(range(0, 7000, 1000))


def test_a_host_that_comes_during_a_run_waits_for_its_end():
    board = Board(SMALL)
    board.busy = 20
    Device(BridgeLink(board), SMALL)
    assert board.busy == 0


def test_a_core_that_stays_busy_is_reported():
    board = Board(SMALL)
    board.busy = 10**9
    with pytest.raises(LinkError, match=r"fake port.*still busy after 5 s.*reset the board"):
        Device(BridgeLink(board), SMALL)


def test_a_run_that_never_ends_is_reported():
    board = Board(SMALL)
    device = Device(BridgeLink(board), SMALL)
    board.busy_polls = 10**9
    with pytest.raises(LinkError, match="still busy after 1"):
        device.run(3)
    with pytest.raises(LinkError, match="still busy"):
        device.load_phases(np.zeros(7))


def test_a_bitstream_of_another_network_is_refused_with_both_digests():
    other = Formats(n=12, lanes=4, pages=3)
    board = Board(other)
    before = board.twin.snapshot()["theta"]
    text = (
        rf"fake port.*another network.*{identity(other):016x} \(N = 12, 4 lanes x 3 pages\).*"
        rf"{identity(SMALL):016x} \(N = 7, 4 lanes x 2 pages\).*--program"
    )
    with pytest.raises(LinkError, match=text):
        Device(BridgeLink(board), SMALL)
    assert np.array_equal(board.twin.theta, before)


def test_networks_that_differ_in_one_number_have_different_digests():
    digests = {identity(Formats(n=7, lanes=4, pages=2, seed=seed)) for seed in range(20)}
    assert len(digests) == 20


def test_something_else_behind_the_frames_is_refused():
    board = Board(SMALL)
    board.fixed["MAGIC"] = 0x12345678
    with pytest.raises(LinkError, match=r"identity 0x12345678 is read; 0x44524149"):
        Device(BridgeLink(board), SMALL)
    board.fixed |= {"MAGIC": MAGIC, "VERSION": 9}
    with pytest.raises(LinkError, match=r"register map 9; this host needs 1"):
        Device(BridgeLink(board), SMALL)


def connect(fault):
    return Device(BridgeLink(Board(SMALL), fault), SMALL)


def test_silence_is_reported_with_what_to_check():
    with pytest.raises(LinkError, match=r"'fake port': nothing answers.*115200 baud.*check cable"):
        connect(lambda count, request, answer: b"")


def test_garbage_is_reported_with_its_first_bytes():
    with pytest.raises(LinkError, match=r"'fake port': garbage answers: 6 .*'68 65 6c.*baud rate"):
        connect(lambda count, request, answer: b"hello\n")


def test_endless_garbage_ends_in_a_report():
    with pytest.raises(LinkError, match=r"garbage answers: 20[0-9][0-9] bytes"):
        connect(lambda count, request, answer: b"U" * 5000)


def test_an_echo_is_told_from_garbage():
    with pytest.raises(LinkError, match=r"'fake port': what we send comes back.*tied together"):
        connect(lambda count, request, answer: request)


def test_a_checksum_that_stays_wrong_is_reported():
    with pytest.raises(LinkError, match=r"'fake port': wrong checksum in the answer.*lower the"):
        connect(lambda count, request, answer: answer[:-1] + bytes([answer[-1] ^ 1]))


def test_requests_that_arrive_damaged_are_reported():
    with pytest.raises(LinkError, match=r"'fake port': the board answers BAD_CRC.*shorter cable"):
        connect(lambda count, request, answer: FRAME.encode_response(0, Status.BAD_CRC))


def test_a_refusal_is_reported_at_once_by_its_name():
    with pytest.raises(LinkError, match=r"refuses a request with BAD_ADDRESS.*same version"):
        connect(lambda count, request, answer: FRAME.encode_response(answer[2], Status.BAD_ADDRESS))


def test_answers_that_break_off_are_reported():
    with pytest.raises(LinkError, match=r"breaks off after 7 of 11 bytes"):
        connect(lambda count, request, answer: answer[:7])


def test_values_that_do_not_fit_are_refused_before_anything_is_sent():
    link = BridgeLink(Board(SMALL))
    device = Device(link, SMALL)
    sent = link.count
    with pytest.raises(SpecError, match="phase"):
        device.load_phases(np.full(7, 1 << 16))
    with pytest.raises(SpecError, match="symmetric"):
        device.load_weights(np.triu(np.ones((7, 7)), 1))
    with pytest.raises(SpecError, match="gain"):
        device.configure(Settings(gain=1 << 16))
    with pytest.raises(SpecError, match="steps = -1"):
        device.run(-1)
    assert link.count == sent


# -- serial port ---------------------------------------------------------------------------------


@pytest.fixture
def peer():
    """A pseudo-terminal and a thread that answers on it; gives (port name, set_answer)."""
    master, slave = pty.openpty()
    os.set_blocking(master, True)
    answer = {"to": lambda data: b""}

    def serve():
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:
                return
            if data == b"quit":
                return
            reply = answer["to"](data)
            if reply:
                os.write(master, reply)

    thread = threading.Thread(target=serve)
    thread.start()
    yield os.ttyname(slave), lambda function: answer.update(to=function)
    os.write(slave, b"quit")
    thread.join()
    os.close(slave)
    os.close(master)


def serial_device(port):
    with SerialLink(port) as link:
        return script(Device(link, SMALL, timeout_s=0.05, retries=1))


def test_the_host_drives_a_board_on_a_serial_port(peer):
    port, set_answer = peer
    behind = BridgeLink(Board(SMALL))

    pending = bytearray()

    def answer(data):
        pending.extend(data)
        while len(pending) >= 8:
            size = 8 + 4 * pending[5] * (pending[2] & 1)
            if len(pending) < size:
                break
            behind.write(bytes(pending[:size]))
            del pending[:size]
        return behind.read(10**6, 0)

    set_answer(answer)
    assert_same(serial_device(port), script(Twin(SMALL)))


def test_a_serial_port_without_an_answer_is_reported_by_name(peer):
    port, _ = peer
    with pytest.raises(LinkError, match=rf"{port}.*nothing answers"):
        serial_device(port)


def test_a_serial_port_with_a_stranger_is_reported_by_name(peer):
    port, set_answer = peer
    set_answer(lambda data: b"login: ")
    with pytest.raises(LinkError, match=rf"{port}.*garbage answers"):
        serial_device(port)


def test_a_serial_port_with_a_loop_is_reported_by_name(peer):
    port, set_answer = peer
    set_answer(lambda data: data)
    with pytest.raises(LinkError, match=rf"{port}.*comes back to us"):
        serial_device(port)


def test_a_port_that_is_not_there_is_reported(tmp_path):
    port = str(tmp_path / "ttyNONE")
    with pytest.raises(LinkError, match=r"ttyNONE' at 115200 baud does not open.*plug the board"):
        SerialLink(port)


def test_a_port_in_use_is_reported(peer):
    with SerialLink(peer[0]), pytest.raises(LinkError, match="end other programs"):
        SerialLink(peer[0])


def test_a_closed_port_is_reported(peer):
    link = SerialLink(peer[0])
    link.close()
    link.close()
    with pytest.raises(LinkError, match="went away"):
        link.write(b"x")
    with pytest.raises(LinkError, match="went away"):
        link.read(1, 0.01)


# -- simulated device ----------------------------------------------------------------------------


def ask(link, frame):
    link.write(frame)
    head = link.read(FRAME.response_header, 0.1)
    return FRAME.decode_response(head + link.read(FRAME.response_rest(head), 0.1))


def test_a_simulated_device_answers_over_its_serial_pins(tmp_path):
    with SimulatedLink.of_core(RegisterFile([11, 22, 33]), workdir=tmp_path) as link:
        assert ask(link, FRAME.encode_request(Op.READ, 1, 0, count=3)).words == (11, 22, 33)
        good = FRAME.encode_request(Op.WRITE, 2, 1, [44])
        link.write(good[:-1] + bytes([good[-1] ^ 4]))
        assert link.read(9, 0.1)[3] == Status.BAD_CRC
        assert ask(link, good).status == Status.OK
        assert ask(link, FRAME.encode_request(Op.READ, 3, 0, count=3)).words == (11, 44, 33)
        link.write(good[:5])
        assert link.read(9, 0.1)[3] == Status.TIMEOUT
        before = link.clocks()
        assert link.read(1, 0.01) == b""
        assert link.clocks() - before == 10_000
    with pytest.raises(LinkError, match="was closed"):
        link.write(b"x")
    assert (tmp_path / "device.log").exists()


def test_a_simulator_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match=r"'iverilog' not found.*apt-get install iverilog"):
        SimulatedLink.of_core(RegisterFile())


def test_a_simulator_that_dies_is_reported(tmp_path):
    with SimulatedLink.of_core(RegisterFile(), workdir=tmp_path) as link:
        os.killpg(link._process.pid, 9)
        link._process.wait()
        with pytest.raises(LinkError, match=r"simulator \(Icarus Verilog\) ended unexpectedly"):
            link.read(1, 0.1)


@pytest.mark.parametrize(
    "formats",
    [
        SMALL,
        pytest.param(Formats(n=35, lanes=8, pages=5), marks=pytest.mark.full),
        pytest.param(
            Formats(n=11, lanes=6, pages=2, decay=True, resonance=True), marks=pytest.mark.full
        ),
    ],
)
def test_the_simulated_core_behind_the_serial_line_equals_the_twin(formats):
    with SimulatedLink.of_core(Core(formats)) as link:
        device = Device(link, formats)
        assert_same(script(device), script(Twin(formats)))
        assert device.exchange.repeated == 0
        with pytest.raises(LinkError, match="another network"):
            Device(link, Formats(n=8, lanes=4, pages=2))


def test_every_feature_works_over_the_serial_line_and_a_reset_clears_what_it_left():
    n = 4
    f = Formats(n=n, lanes=2, pages=2, phase_bits=3, edge=True, budget=True, centring=True,
                mask=True)  # fmt: skip
    links = np.abs(np.arange(n)[:, None] - np.arange(n)) % 3 > 0

    def work(machine):
        machine.load_links(links)
        machine.load_weights(9 * links)
        machine.load_phases(np.arange(n) * 9000)
        machine.configure(
            Settings(gain=500, eta=30000, gates=0, budget=20, shrink=30000, centre=20000)
        )
        machine.run(3, census=True, learn=True)
        machine.run(11, edge=True)
        return machine.read_phases(), machine.read_weights(), machine.counters()

    with SimulatedLink.of_core(Core(f)) as link:
        device = Device(link, f)
        twin = Twin(f)
        for got, wanted in zip(work(device), work(twin), strict=True):
            assert np.array_equal(got, wanted)
        assert twin.lean.any()  # what a reset has to clear
        device.reset()
        flags = [word >> 27 & 15 for word in device._stream("STATE", n)]
        assert flags == [0] * n
        device.run(3, edge=True, resume=True)
        fresh = Twin(f)
        fresh.run(3, edge=True, resume=True)
        assert np.array_equal(device.read_phases(), fresh.read_phases())
        device.load_links(links)
        with pytest.raises(SpecError, match="the mask has no link between these two"):
            device.load_weights(np.ones((n, n)) - np.eye(n))
