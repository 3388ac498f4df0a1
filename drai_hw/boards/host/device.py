"""Driver of the core over a link: the `Machine` of a board, or of a simulated one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.boards.host.access import RegisterAccess
from drai_hw.boards.host.stream import stream_phases
from drai_hw.errors import LinkError, SpecError
from drai_hw.model.machine import (
    BUDGET_BITS,
    Counters,
    Passes,
    Settings,
    check_links,
    check_vector,
    check_weights,
    each_replica,
)
from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.model.schedule import schedule
from drai_hw.rtl.core import identity
from drai_hw.rtl.registers import (
    MAGIC,
    MAP_VERSION,
    REGISTERS,
    Cfg,
    Command,
    State,
    command_of,
    setting_registers,
)
from drai_hw.rtl.timing import clocks_per_run
from drai_hw.sim.link import Link

SLOWEST_CLOCK_HZ = 1e6
"""No device is clocked slower; says how long a run may last before it counts as hung."""

MAX_STEPS = (1 << REGISTERS["STEPS"].width) - 1
"""Longest run of the core; a longer one is made of several."""

_IDENTITY = ("MAGIC", "VERSION", "DIGEST0", "DIGEST1", "GEOMETRY")
_COUNTERS = ("VISITED", "GATED_ON", "WRITTEN", "CHANGED")


def _signed(words: Sequence[int]) -> NDArray[np.int64]:
    return np.array(words, dtype=np.int64).astype(np.uint32).astype(np.int32).astype(np.int64)


class Device(RegisterAccess):
    """A core behind a link (`drai_hw.model.machine.Machine`).

    The identity is read first: a bitstream made for another network is refused. Unless `reset` is
    False the core is then brought to the state of a fresh `Twin` (all weights, phases and
    registers zero, every oscillator active, streams restarted), so the same script gives the same
    bits; only the smoothed frequencies of the resonance gate have no register and start at zero
    after a reset of the board. Every method returns when the core has finished. Lost or damaged
    frames are repeated; a repeated write is executed once. Against frames that the line itself
    repeats, addresses that move are read back behind every stream, settings behind every
    `configure`, and the count of steps behind every run.

    Parameters
    ----------
    link : Link
        Serial port or simulator; the caller closes it.
    formats : Formats
        Number formats and geometry of the network.
    digest : int, optional
        64-bit identity wanted; `drai_hw.rtl.core.identity` of the formats if left out.
    reset : bool
        Bring the core to its start state.
    timeout_s : float
        Longest wait for an answer in seconds, > 0.
    retries : int
        How often a request is repeated, >= 0.
    busy_s : float
        Longest wait, in seconds, for a run that is under way when the host comes.

    Raises
    ------
    LinkError
        Nothing answers, or something else than this network's bitstream does.
    """

    def __init__(
        self,
        link: Link,
        formats: Formats,
        *,
        digest: int | None = None,
        reset: bool = True,
        timeout_s: float = 0.5,
        retries: int = 3,
        busy_s: float = 5.0,
    ) -> None:
        super().__init__(link, formats, timeout_s=timeout_s, retries=retries)
        self.digest = identity(formats) if digest is None else digest
        self._schedule = schedule(formats.lanes, formats.pages)
        self._links = np.ones((formats.n, formats.n), dtype=bool)
        self._wait_idle(busy_s)
        self.identify()
        if reset:
            self.reset()

    # -- identity ----------------------------------------------------------------------------

    def identify(self) -> int:
        """Check that the bitstream is the network's, and return its digest.

        Raises
        ------
        LinkError
            It is not: the text gives both digests and geometries.
        """
        magic, version, low, high, geometry = self._read(_IDENTITY[0], len(_IDENTITY))
        port = self.link.name
        if magic != MAGIC:
            raise LinkError(
                f"port {port!r}: identity {magic:#010x} is read; {MAGIC:#010x} (a drai_hw core) is "
                "needed: program the bitstream of this network "
                "(`drai-hw board SPEC --board B --program`)"
            )
        if version & 0xFF != MAP_VERSION:
            raise LinkError(
                f"port {port!r}: the bitstream has register map {version & 0xFF}; this host needs "
                f"{MAP_VERSION}: make and program the bitstream again with this version of drai-hw"
            )
        digest = high << 32 | low
        if digest != self.digest:
            f = self.formats
            raise LinkError(
                f"port {port!r}: the bitstream was made for another network: its digest is "
                f"{digest:016x} (N = {version >> 16}, {geometry & 0xFFFF} lanes x {geometry >> 16} "
                f"pages), this network's is {self.digest:016x} (N = {f.n}, {f.lanes} lanes x "
                f"{f.pages} pages); program this network's bitstream "
                "(`drai-hw board SPEC --board B --program`), or use the network file that the "
                "bitstream was made from"
            )
        return digest

    def reset(self) -> None:
        """Bring the core to the state of a fresh twin."""
        f = self.formats
        self._write("CONTROL", [int(Command.CLEAR_ERROR)])
        self.configure(Settings())
        zeros = np.zeros(f.n, dtype=np.int64)
        for _ in each_replica(self):
            for register in ("STATE", "OMEGA"):
                self._load(register, np.zeros(f.slots, dtype=np.int64))
            self.load_inputs(zeros, zeros, zeros, np.ones(f.n, dtype=np.int64))
        self.load_links(np.ones((f.n, f.n), dtype=bool))
        if f.census_passes:  # of no weights: no flags
            self._write("BUDGET", [(1 << BUDGET_BITS) - 1])
            self.run(1, couple=False, census=True)
            self.configure(Settings())
        if f.edge:  # a run of no steps clears the signs and the slot
            self._write("STEPS", [0])
            self._write("CONTROL", [int(Command.RUN)])
            self._wait_idle(1.0)
        self.reseed()

    # -- replicas ----------------------------------------------------------------------------

    def select(self, replica: int) -> None:
        """Choose the replica whose phases, tuning words and inputs are loaded and read.

        Replica 0 is chosen at first. Weights and settings are those of all replicas.

        Raises
        ------
        SpecError
            The core has no such replica.
        """
        replicas = self.formats.replicas
        if not 0 <= replica < replicas:
            raise SpecError(f"replica = {replica!r}: this core has {replicas}, counted from 0")
        if replicas == 1:
            return

        def write() -> bool:
            self._write("REPLICA", [replica])
            return self._read("REPLICA")[0] == replica

        self._surely(write, "replica")

    def load_all_phases(self, theta: ArrayLike) -> None:
        """Set the phase accumulators of all replicas, R x N (LSB); replica 0 is chosen then."""
        f, given = self.formats, np.asarray(theta)
        if given.shape != (f.replicas, f.n):
            raise SpecError(
                f"phases of shape {given.shape}: needs {f.replicas} replicas x {f.n} oscillators"
            )
        for replica in each_replica(self):
            self.load_phases(given[replica])

    def read_all_phases(self) -> NDArray[np.int64]:
        """Return the phase accumulators of all replicas, R x N; replica 0 is chosen then."""
        return np.array([self.read_phases() for _ in each_replica(self)])

    # -- machine: loading --------------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers (`SpecError` where a value does not fit)."""
        settings.check(self.formats)
        wanted = {
            register: int(getattr(settings, name)) & 0xFFFFFFFF
            for register, name in setting_registers(self.formats).items()
        }

        def write() -> bool:
            for register, word in wanted.items():
                self._write(register, [word])
            return self._read_settings(wanted) == wanted

        self._surely(write, "settings")

    def load_phases(self, theta: ArrayLike) -> None:
        """Set the phase accumulators of all N oscillators (LSB)."""
        f = self.formats
        self._load("STATE", check_vector(theta, f.n, 0, (1 << f.accumulator_bits) - 1, "phase"))

    def load_omega(self, omega: ArrayLike) -> None:
        """Set the tuning words of all N oscillators (signed LSB a step)."""
        half = 1 << (self.formats.accumulator_bits - 1)
        self._load("OMEGA", check_vector(omega, self.formats.n, -half, half - 1, "tuning word"))

    def load_inputs(
        self, psi: ArrayLike, strength: ArrayLike, clamp: ArrayLike, active: ArrayLike
    ) -> None:
        """Set input phases (P bits), strengths (12 bits), clamp and activity flags."""
        f = self.formats
        words = np.zeros(f.slots, dtype=np.int64)  # padding: inactive
        words[: f.n] = (
            check_vector(psi, f.n, 0, (1 << f.phase_bits) - 1, "input phase") << Cfg.PSI
            | check_vector(strength, f.n, 0, (1 << STRENGTH_BITS) - 1, "input strength")
            << Cfg.STRENGTH
            | check_vector(clamp, f.n, 0, 1, "clamp") << Cfg.CLAMP
            | check_vector(active, f.n, 0, 1, "active") << Cfg.ACTIVE
        )
        self._load("INPUT", words)

    def load_weights(self, weights: ArrayLike) -> None:
        """Set the symmetric N x N weights (LSB); 0 where there is no link."""
        f = self.formats
        full = np.zeros((f.slots, f.slots), dtype=np.int64)
        full[: f.n, : f.n] = np.where(
            self._links, check_weights(weights, f, self._links), f.no_link
        )
        s = self._schedule
        self._load("WEIGHT", np.where(s.used, full[s.i, s.j], 0).ravel())

    def load_links(self, links: ArrayLike) -> None:
        """Set which pairs are linked, N x N, and all weights to 0 (formats with `mask`)."""
        self._links = check_links(links, self.formats)
        self.load_weights(np.zeros(self._links.shape, dtype=np.int64))

    def reseed(self) -> None:
        """Restart the random streams, the threshold sweep and the counters."""
        self._write("CONTROL", [int(Command.RESEED)])

    # -- machine: running --------------------------------------------------------------------

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do ``steps`` steps of some `Passes` and wait for their end.

        Raises
        ------
        SpecError
            ``steps`` is negative; a pass that is not compiled in.
        LinkError
            The core is still busy after ten times the clocks the run takes at 1 MHz, or did
            another number of steps: a frame was repeated on the line.
        """
        if steps < 0:
            raise SpecError(f"steps = {steps!r} given; 0 or more are needed")
        wanted = Passes(**passes)
        wanted.check(self.formats)
        command = Command.RUN | command_of(wanted)
        before, asked = self._read("STEPS_DONE")[0], steps
        while steps:
            part = min(steps, MAX_STEPS)
            clocks = clocks_per_run(self.formats, part, **passes)
            self._write("STEPS", [part])
            self._write("CONTROL", [int(command | Command.RESUME * resume)])
            self._wait_idle(1.0 + 10 * clocks / SLOWEST_CLOCK_HZ)
            steps -= part
            resume = True
        done = (self._read("STEPS_DONE")[0] - before) & 0xFFFFFFFF
        if done != asked:
            raise LinkError(
                f"port {self.link.name!r}: the core did {done} steps where {asked} were asked: a "
                "request was executed twice or another host is on this core; load the network "
                "again, over an undisturbed line"
            )

    def stream_phases(
        self, steps: int, every: int = 1, **passes: bool
    ) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Run, and yield the phases every so many steps: see `stream.stream_phases`."""
        return stream_phases(self, steps, every, **passes)

    # -- machine: reading --------------------------------------------------------------------

    def read_phases(self) -> NDArray[np.int64]:
        """Return the N phase accumulators."""
        mask = (1 << self.formats.accumulator_bits) - 1
        words = self._stream("STATE", self.formats.n)
        return (np.array(words, dtype=np.int64) >> State.THETA) & mask

    def read_margins(self) -> NDArray[np.bool_]:
        """Return the N margin bits."""
        words = self._stream("STATE", self.formats.n)
        return (np.array(words, dtype=np.int64) >> State.MARGIN & 1).astype(bool)

    def read_weights(self) -> NDArray[np.int64]:
        """Return the symmetric N x N weights; 0 where there is no link."""
        f, s = self.formats, self._schedule
        words = self._stream("WEIGHT", s.i.size)
        values = _signed(words).reshape(s.i.shape)
        if f.mask:
            values = np.where(values == f.no_link, 0, values)
        full = np.zeros((f.slots, f.slots), dtype=np.int64)
        full[s.i[s.used], s.j[s.used]] = values[s.used]
        full[s.j[s.used], s.i[s.used]] = values[s.used]
        return full[: f.n, : f.n]

    def counters(self) -> Counters:
        """Return the event counters since the last reseed."""
        return Counters(*self._read(_COUNTERS[0], len(_COUNTERS)))
