"""Registers of the core behind a link: what is written or read is checked to be so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from drai_hw.boards.host.exchange import Busy, Exchange, Lost
from drai_hw.errors import LinkError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.frame import FRAME
from drai_hw.rtl.registers import REGISTERS, Status
from drai_hw.rtl.timing import address_bits
from drai_hw.sim.link import Link


def address(register: str) -> int:
    """Return a register's address."""
    return REGISTERS[register].address


def unsigned(values: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """Return values as words of 32 bits."""
    return [int(value) & 0xFFFFFFFF for value in values]


class RegisterAccess:
    """Reads, writes and streams of registers, by name.

    Parameters
    ----------
    link : Link
        The byte pipe.
    formats : Formats
        The core's.
    timeout_s : float
        Longest wait for an answer in seconds, > 0.
    retries : int
        How often a request is repeated, >= 0.
    """

    def __init__(self, link: Link, formats: Formats, *, timeout_s: float, retries: int) -> None:
        self.link = link
        self.formats = formats
        self.exchange = Exchange(link, timeout_s=timeout_s, retries=retries)

    def _write(self, register: str, words: Sequence[int], *, fixed: bool = False) -> None:
        try:
            self.exchange.write(address(register), words, fixed=fixed)
        except Busy:
            raise self._still_busy(0.0) from None

    def _read(self, register: str, count: int = 1) -> tuple[int, ...]:
        return self._read_at(address(register), count)

    def _read_at(self, address: int, count: int) -> tuple[int, ...]:
        try:
            return self.exchange.read(address, count)
        except Busy:
            raise self._still_busy(0.0) from None

    def _read_settings(self, registers: Iterable[str]) -> dict[str, int]:
        """Read registers that stand still, those with neighbouring addresses in one frame."""
        found: dict[str, int] = {}
        group: list[str] = []
        for register in [*sorted(registers, key=address), ""]:
            if group and (not register or address(register) != address(group[-1]) + 1):
                words = self._read(group[0], len(group))
                found |= dict(zip(group, words, strict=True))
                group = []
            group.append(register)
        return found

    def _surely(self, action: Callable[[], bool], what: str) -> None:
        """Do what reports whether it went right, and do it again where it did not."""
        for _ in range(self.exchange.retries + 1):
            if action():
                return
            self.exchange.settle()
        raise self.exchange.failure(
            f"{what} written do not read back: frames are repeated on the line, or another host "
            "is on this core; an undisturbed line is needed",
            self.exchange.retries + 1,
        )

    def _moved(self, register: str, count: int) -> bool:
        """Return whether the address of a stream stands where `count` accesses move it from 0."""
        seek, group, depth = self._seek(register)
        mask = (1 << address_bits(depth)) - 1
        return self._read(seek)[0] == count // group & mask

    def _seek(self, register: str) -> tuple[str, int, int]:
        """Return a stream's address register, the words in a group, and the groups there are."""
        f = self.formats
        if register == "WEIGHT":
            return "WEIGHT_ADDRESS", f.lanes, f.pair_slots
        return "INDEX", 1, f.slots

    def _load(self, register: str, values: NDArray[np.int64]) -> None:
        """Write one word after the other through a register that moves its address along."""
        words = unsigned(values)

        def write() -> bool:
            self._write(self._seek(register)[0], [0])
            self._write(register, words, fixed=True)
            return self._moved(register, len(words))

        self._surely(write, f"{register}: words")

    def _stream(self, register: str, count: int) -> list[int]:
        """Read `count` words of a register that moves its address along."""
        words: list[int] = []

        def read() -> bool:
            words[:] = self._stream_once(register, count)
            return self._moved(register, count)

        self._surely(read, f"{register}: addresses")
        return words

    def _stream_once(self, register: str, count: int) -> list[int]:
        """Read a stream.

        A lost answer may or may not have moved the address on, so reading starts again at the
        beginning of the group.
        """
        seek, group, _ = self._seek(register)
        words: list[int] = []
        best = failures = 0
        sought = False
        while len(words) < count:
            if not sought:
                del words[len(words) // group * group :]
                self._write(seek, [len(words) // group])
                sought = True
            part = min(FRAME.burst_words, count - len(words))
            try:
                words += self.exchange.read_once(address(register), part)
            except Lost as lost:
                failures += 1
                if failures > self.exchange.retries:
                    raise self.exchange.failure(lost, failures) from lost
                self.exchange.settle()
                sought = False
            except Busy:
                raise self._still_busy(0.0) from None
            if len(words) > best:
                best, failures = len(words), 0
        return words

    def _wait_idle(self, limit_s: float) -> None:
        end_s: float | None = None
        while True:
            (status,) = self._read("STATUS")
            if not status & Status.BUSY:
                return
            now_s = self.link.now_s()
            end_s = now_s + limit_s if end_s is None else end_s
            if now_s > end_s:
                raise self._still_busy(limit_s)

    def _still_busy(self, waited_s: float) -> LinkError:
        return LinkError(
            f"port {self.link.name!r}: the core is still busy after {waited_s:.3g} s; it must be "
            "idle to be read or written: wait for the run that another host started, or reset the "
            "board"
        )
