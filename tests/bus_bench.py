"""What the benches of the bus wrappers share: the core behind a wrapper beside a plain one.

Every access that a wrapper's master makes is made on the register bus of a plain core, too, as the
rules of the wrapper say; both must read the same, refuse the same, and end in the same state.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Protocol

from drai_hw.model.numbers import Formats
from drai_hw.rtl.registers import REGISTERS, Command, Status
from drai_hw.sim.bus import Bus

FORMATS = Formats(n=7, lanes=4, pages=2, decay=True)
NAMES = {register.address: name for name, register in REGISTERS.items()}


@dataclass(frozen=True)
class Answer:
    """What a master got: the word (of a read) and whether the bus said "error"."""

    word: int | None
    error: bool


class Master(Protocol):
    """A master of the wrapper's bus.

    `selects` are the byte selects that it can make, `offsets` what it may add to an address.
    """

    selects: tuple[int, ...]
    offsets: tuple[int, ...]

    async def read(self, address: int) -> Answer: ...

    async def write(self, address: int, word: int, select: int) -> Answer: ...


class _Part:
    """One instance of the bench's top as a handle of its own: ports by prefix."""

    def __init__(self, dut: Any, prefix: str) -> None:
        self._dut, self._prefix = dut, prefix
        self._name = dut._name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dut, self._prefix + name)


class Pair:
    """The wrapper's master and the plain bus, access by access."""

    def __init__(self, dut: Any, master: Master, rng: random.Random) -> None:
        self.dut, self.master, self.rng = dut, master, rng
        self.plain = Bus(_Part(dut, "plain_"))
        self.accesses = self.errors = 0

    async def read(self, address: int, offset: int = 0) -> int:
        """Read on both; the wrapper's answer must be the plain core's."""
        got = await self.master.read(4 * address + offset)
        self.accesses += 1
        name = NAMES.get(address)
        if name is None:
            assert got == Answer(0, error=True), f"address {address}: {got}"
            self.errors += 1
            return 0
        busy = bool(self.dut.plain_busy.value)
        wanted = await self.plain.read(name) & 0xFFFFFFFF
        refused = busy and name != "STATUS"
        assert got == Answer(wanted, error=refused), f"{name}: {got}, plain bus: {wanted:#x}"
        self.errors += refused
        return wanted

    async def write(self, address: int, word: int, select: int = 0xF, offset: int = 0) -> None:
        """Write on both, in the way that the wrapper must choose for these byte selects."""
        got = await self.master.write(4 * address + offset, word, select)
        self.accesses += 1
        assert got.error == await self._plain_write(address, word, select), (
            f"write {word:#x} select {select:04b} to {NAMES.get(address, address)}: {got}"
        )
        self.errors += got.error

    async def _plain_write(self, address: int, word: int, select: int) -> bool:
        name = NAMES.get(address)
        if name is None:
            return True
        if not select:
            return False
        register = REGISTERS[name]
        busy = bool(self.dut.plain_busy.value)
        used = [k for k in range(4) if 8 * k < register.width]
        if "w" in register.access and not all(select >> k & 1 for k in used):
            if register.access == "w" or name in ("STATE", "OMEGA", "INPUT", "WEIGHT"):
                return True
            old = await self.plain.read(name) & 0xFFFFFFFF
            mask = sum(0xFF << 8 * k for k in range(4) if select >> k & 1)
            word = word & mask | old & ~mask
        await self.plain.write(name, word)
        return busy and name != "STATUS"

    async def random_access(self) -> None:
        """Read or write any address with any data and byte selects, but start no run."""
        rng = self.rng
        address = rng.choice([*range(64), *NAMES, *NAMES])
        if rng.random() < 0.5:
            await self.read(address, rng.choice(self.master.offsets))
            return
        word = rng.getrandbits(32)
        if NAMES.get(address) == "CONTROL":
            word &= ~int(Command.RUN)
        select = rng.choice((0xF, rng.choice(self.master.selects)))
        await self.write(address, word, select, rng.choice(self.master.offsets))

    async def idle(self) -> None:
        """Poll STATUS on both sides until neither runs."""
        status = REGISTERS["STATUS"].address
        while (await self.master.read(4 * status)).word & Status.BUSY:
            pass
        while await self.plain.read("STATUS") & Status.BUSY:
            pass

    async def load(self, name: str, words: list[int]) -> None:
        for word in words:
            await self.write(REGISTERS[name].address, word)


async def compare(pair: Pair, accesses: int) -> None:
    """Random accesses, then a network that is loaded, runs, learns and is read back."""
    rng, at = pair.rng, {name: register.address for name, register in REGISTERS.items()}
    f = FORMATS
    for _ in range(accesses):
        await pair.random_access()
    assert pair.errors > accesses // 20, "the addresses without a register were not tried"

    await pair.write(at["CONTROL"], int(Command.CLEAR_ERROR | Command.RESEED))
    for name, word in (("GAIN", 300), ("ETA", 40000), ("DECAY", 500), ("MARGIN", -40)):
        await pair.write(at[name], word & 0xFFFFFFFF)
    await pair.write(at["GATES"], 0)
    for name, words in {
        "STATE": [rng.getrandbits(16) for _ in range(f.slots)],
        "OMEGA": [rng.randrange(400) for _ in range(f.slots)],
        "INPUT": [1 << 31 | rng.getrandbits(12) for _ in range(f.n)] + [0] * (f.slots - f.n),
    }.items():
        await pair.write(at["INDEX"], 0)
        await pair.load(name, words)
    await pair.write(at["WEIGHT_ADDRESS"], 0)
    await pair.load("WEIGHT", [rng.randrange(-15, 16) & 0xFF for _ in range(4 * f.pair_slots)])

    # Long enough that all of the accesses below fall into the run, on both sides.
    await pair.write(at["STEPS"], 60)
    command = Command.COUPLE | Command.LEARN | Command.RUN
    await pair.write(at["CONTROL"], int(command), 0b0011)
    before = pair.errors
    assert await pair.read(at["STATUS"]) == Status.BUSY
    await pair.read(at["GAIN"])
    await pair.write(at["GAIN"], 7)
    await pair.write(at["GAIN"], 7, 0b0010)  # a merged write is refused as well
    assert await pair.read(at["STATUS"]) == Status.BUSY | Status.ERROR
    assert pair.errors == before + 3
    await pair.idle()
    await pair.write(at["CONTROL"], int(Command.CLEAR_ERROR))
    await pair.write(at["INDEX"], 0)
    phases = [await pair.read(at["STATE"]) for _ in range(f.n)]
    await pair.write(at["WEIGHT_ADDRESS"], 0)
    for _ in range(4 * f.pair_slots):
        await pair.read(at["WEIGHT"])
    counts = [await pair.read(at[name]) for name in ("VISITED", "CHANGED", "STEPS_DONE", "GAIN")]
    assert counts[0] == 60 * f.n * (f.n - 1) // 2
    assert counts[1] > 0
    assert counts[2:] == [60, 300]
    assert len(set(phases)) > 1
