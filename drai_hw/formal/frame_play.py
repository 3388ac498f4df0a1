"""Frames played on a bridge: states that it reaches, and courses that break a rule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drai_hw.formal.design import Design
from drai_hw.formal.evidence import waveform, write_files
from drai_hw.formal.exact import Bit, both, either, no
from drai_hw.formal.frame_reference import Reference
from drai_hw.formal.frames import INNER, PORTS, Watched
from drai_hw.formal.known import Known
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.outcome import OutOfTimeError
from drai_hw.formal.reach import View
from drai_hw.formal.solver import Clock, Solver, Terms
from drai_hw.rtl.frame import FRAME, Op

GAP, REST = 4, 60
"""Clocks from byte to byte of a course in terms, and behind the last."""
COURSES = 8
CLOCKS = 500
"""How many courses are played, and how long each is: enough for nearly all kinds of states."""


def stream(rng: random.Random) -> Iterator[int]:
    """Yield bytes for ever: frames right and wrong, cut short, and what stands between them."""
    tag = 0
    while True:
        tag = tag if rng.random() < 0.2 else rng.randrange(256)
        op = rng.choice((Op.READ, Op.WRITE, Op.WRITE, Op.WRITE | Op.FIXED, Op.FIXED))
        length = rng.choice((1, 1, 1, 2, 3))
        words = [rng.getrandbits(32) for _ in range(length)] if op & Op.WRITE else []
        fields = [int(op), tag, rng.randrange(64), length]
        if rng.random() < 0.15:
            fields[rng.choice((0, 2))] = rng.randrange(64, 256)
        if not words and rng.random() < 0.15:
            fields[3] = rng.choice((0, 128))
        code, mark, at, count = fields
        frame = bytearray(FRAME.pack_request(code, mark, at, count, words))
        if rng.random() < 0.35:
            frame[rng.choice((-1, -2, rng.randrange(len(frame))))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.1:
            del frame[rng.randrange(len(frame)) :]
        yield from rng.choice((b"", b"", b"\0", bytes(FRAME.request_sync[:1])))
        yield from frame


def courses(design: Design, clock: Clock) -> Iterator[View]:
    """Yield what is seen of a bridge under such bytes, clock by clock."""
    watched = Watched(design, Terms(), timed=False, numbers=True)
    silence = [n for n in watched.machine.states if n in watched.machine.cut]
    for course in range(COURSES):
        rng = random.Random(course)
        watched.place = rng.randrange(40)
        states = _known(watched.machine.start(reset=True))
        reference = Reference.first(watched.terms, watched.place)
        bytes_ = stream(rng)
        gap = (1, 4, 12)[course % 3]
        asked = answered = False
        for number in range(CLOCKS):
            if clock.over:
                return
            yield watched.view(states, reference)
            arrives = number % gap == 0
            answered = asked and not answered and rng.random() < 0.5
            given = {
                "rx_valid": int(arrives), "rx_data": next(bytes_) if arrives else 0,
                "rx_end": 0, "tx_ready": int(rng.random() < 0.8), "busy": int(rng.random() < 0.1),
                "rdata": rng.getrandbits(32), "ack": int(answered), "clk": 0, "": 0,
            }  # fmt: skip
            late = rng.random() < 0.01
            states |= {n: -late & (1 << watched.system.nodes[n].sort.bits) - 1 for n in silence}
            values, states, reference = watched.step(states, reference, given, "")
            if not watched.fair(values):
                break
            asked = bool(watched.word(values, "we").value | watched.word(values, "re").value)


def wrong_course(design: Design, clock: Clock) -> dict[str, Any] | None:
    """Return how two frames from a reset break a rule: a right one, and any write of one word.

    Tag, address, word and checksum of the second are free.
    """
    terms = Terms()
    solver = Solver(terms, clock)
    watched = Watched(design, terms, timed=True)
    bytes_: list[Any] = list(FRAME.encode_request(Op.READ, 1, 0, count=1))
    bytes_ += [*FRAME.request_sync, int(Op.WRITE), terms.word("tag", 8), terms.word("addr", 8), 1]
    bytes_ += [terms.word(f"byte{k}", 8) for k in range(6)]
    states, reference = watched.first()
    asked: Bit = 0
    ack: Bit = 0
    written = False
    rows: list[dict[str, Any]] = []
    for number in range(len(bytes_) * GAP + REST):
        arrives = number % GAP == 0 and number // GAP < len(bytes_)
        ack = both(terms, asked, no(terms, ack))
        given = {
            "rx_valid": int(arrives), "rx_data": bytes_[number // GAP] if arrives else 0,
            "rx_end": 0, "tx_ready": 1, "busy": 0, "rdata": 0, "ack": ack, "clk": 0,
        }  # fmt: skip
        values, then, later = watched.step(states, reference, given, str(number))
        rows.append({name: word for name, word in given.items() if name != "clk"})
        rules = reference.rules(watched.seen(values))
        found = solver.possible(either(terms, *(rule.broken for rule in rules)))
        we = watched.word(values, "we").value
        written = written or bool(solver.possible(we)) if not found else written
        if found:
            rule = next(rule for rule in rules if solver.number(rule.broken))
            sent = [solver.number(byte) for byte in bytes_[8:]]
            code, tag, at, count = sent[2:6]
            word = int.from_bytes(bytes(sent[6:10]), "little")
            right = FRAME.pack_request(code, tag, at, count, [word])
            return {
                "rule": f"broken: {rule.says}", "clock": number, "second_frame": sent,
                "checksum_sent": sent[-2:], "checksum_right": list(right[-2:]),
                "signal": rule.signal, "expected": solver.number(rule.right.value),
                "got": solver.number(watched.word(values, rule.signal).value),
                "clocks": [
                    {name: solver.number(word) for name, word in row.items()} for row in rows
                ],
            }  # fmt: skip
        if found is None:
            raise OutOfTimeError(f"{number} clocks of two frames were looked at")
        asked = either(terms, we, watched.word(values, "re").value)
        states, reference = then, later
    if not written:
        return {"rule": "no frame is ever carried out", "clock": len(bytes_) * GAP + REST}
    return None


def written_down(design: Design, folder: Path, says: str, found: dict[str, Any]) -> dict[str, str]:
    """Write a course as waveform and test, see `drai_hw.formal.evidence.write_files`.

    Parameters
    ----------
    design : Design
        The bridge.
    folder : Path
        Where they go.
    says : str
        The rule that is broken.
    found : dict
        What `wrong_course` returned.
    """
    system = design.system()
    machine = Machine(system, Known(), [*PORTS, *INNER])
    still = dict.fromkeys(found["clocks"][0], 0)
    rows = [still | {"rst": 1}, *(row | {"rst": 0} for row in found["clocks"])]
    states, course = machine.start(reset=True), []
    for row in rows:
        course.append(machine.evaluate(states, row | {"clk": 0}))
        states = machine.after(course[-1])
    rule = says.removeprefix("broken: ")
    return write_files(
        folder, design.files, design.top, says=f"this rule of the bridge: {rule}", rows=rows,
        expected={found["signal"]: found["expected"]}, waves=waveform(system, machine, course),
    )  # fmt: skip


def _known(states: Values) -> Values:
    """Return states in which zeros stand for what a reset leaves open."""

    def known(value: Any) -> Any:
        return [known(word) for word in value] if isinstance(value, list) else (
            value if isinstance(value, int) else 0
        )  # fmt: skip

    return {number: known(value) for number, value in states.items()}
