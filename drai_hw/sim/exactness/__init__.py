"""Twin == RTL at size: cores that learn in every step, compared whole after each, store by store.

``python -m drai_hw.sim.exactness`` runs the cases of `cases` and writes the page of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import drai_hw
from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.banks import StorePlan, plan_store
from drai_hw.rtl.core import Core
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.spram import SpramPlan
from drai_hw.rtl.stores import Plan
from drai_hw.sim.core import SimResult, run_job
from drai_hw.sim.jobs import Job
from drai_hw.spec import Spec, parse

STORES = {
    "plain": "block memory, cut by synthesis",
    "banks": "block memory in registered banks",
    "spram": "single-port memory, SB_SPRAM256KA",
    "sdram": "external SDRAM of 16 bits at 50 MHz",
}
"""Weight stores that exist: see `drai_hw.rtl.stores.make_store`."""

SIZES = (35, 128, 512, 1024, 2048)
"""Oscillators; only SDRAM holds the weights of the largest."""
LEAST_PAIR_UPDATES = 10**9
# Depth and width of a block, as `drai_hw.boards.families` has them (boards stand on the benches).
ECP5 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
ICE40 = ((256, 16), (512, 8), (1024, 4), (2048, 2))
SMALL = {"phase_bits": 4, "levels": 5}
SDRAM_CLOCK_HZ = 50e6
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A core with one weight store, and how long it learns.

    Parameters
    ----------
    store : str
        Key of `STORES`.
    formats : Formats
        Number formats and geometry.
    steps : int
        Steps of a part; each part starts from random weights of its own seed.
    parts : int
        Parts, the units of what an interruption keeps.
    shapes : tuple of (int, int), optional
        For banks: depth and width of the blocks.
    limit : int, optional
        For banks: blocks at hand; a low one makes several banks.
    """

    store: str
    formats: Formats
    steps: int
    parts: int = 1
    shapes: tuple[tuple[int, int], ...] = ()
    limit: int | None = None

    @property
    def plan(self) -> Plan | None:
        """The weight memory; single-port memory as the vendor's primitive, SDRAM with a chip."""
        depth, width = self.formats.pair_slots, self.formats.lanes * self.formats.weight_bits
        if self.store == "banks":
            return plan_store(depth, width, self.shapes, self.limit)
        if self.store == "sdram":
            return SdramPlan(depth, width, SDRAM_CLOCK_HZ)
        return SpramPlan(depth, width, vendor=True) if self.store == "spram" else None

    @property
    def product(self) -> str:
        """Form of the lanes' product: in logic on the device that has single-port memory."""
        return "logic" if self.store == "spram" else "mul"

    @property
    def name(self) -> str:
        """Name of the case."""
        return f"{self.store}-{self.formats.n}"

    @property
    def memory(self) -> str:
        """The weight memory in words."""
        plan = self.plan
        if plan is None or isinstance(plan, SdramPlan):
            return STORES[self.store]
        banks = len(plan.banks) if isinstance(plan, StorePlan) else plan.banks
        counts = f"{plan.blocks} block{'s'[: plan.blocks != 1]}"
        return f"{STORES[self.store]}: {counts} in {banks} bank{'s'[: banks != 1]}"

    def rtl_digest(self) -> str:
        """Return the digest of the core's RTLIL."""
        core = Core(self.formats, product=self.product, store=self.plan)
        return digest_of(emit.rtlil(core))


def digest_of(text: str | bytes) -> str:
    """Return 64 bits of BLAKE2s as hexadecimal digits."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.blake2s(data, digest_size=8).hexdigest()


def cases() -> list[Case]:
    """Return the cases of the page: every size with every store.

    Banks are cut as for an iCE40 (N = 35 and 128) and an ECP5, with so few blocks at hand that
    there are several; single-port memory as it fits an iCE40 UP5K, in its small profile. SDRAM
    takes a word of 16 bits a clock, so its rows are shorter.
    """

    def geometry(n: int, lanes: int, **other: Any) -> Formats:
        pages = -(-n // lanes)
        return Formats(n=n, lanes=lanes, pages=pages, resonance=True, decay=True, **other)

    def of(store: str, formats: Formats, steps: int, parts: int, **other: Any) -> Case:
        return Case(store=store, formats=formats, steps=steps, parts=parts, **other)

    return [
        of("plain", geometry(35, 8), 5000, 2),
        of("banks", geometry(35, 4), 5000, 2, shapes=((128, 16),), limit=0),
        of("spram", geometry(35, 8, **SMALL), 5000, 2),
        of("plain", geometry(128, 16), 2000, 2),
        of("banks", geometry(128, 12), 2000, 2, shapes=ICE40, limit=0),
        of("spram", geometry(128, 12, **SMALL), 2000, 2),
        of("plain", geometry(512, 32), 600, 2),
        of("banks", geometry(512, 24), 600, 2, shapes=ECP5, limit=0),
        of("spram", geometry(512, 8, **SMALL), 600, 2),
        of("plain", geometry(1024, 32), 200, 2),
        of("banks", geometry(1024, 64), 200, 1, shapes=ECP5, limit=150),
        of("spram", geometry(1024, 8, weight_bits=2, **SMALL), 200, 2),
        of("sdram", geometry(35, 12), 2000, 1),
        of("sdram", geometry(128, 16), 500, 1),
        of("sdram", geometry(512, 16), 60, 1),
        of("sdram", geometry(1024, 24), 20, 1),
        of("sdram", geometry(2048, 24), 6, 1),
    ]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What came of one part of a case.

    Attributes
    ----------
    steps, pair_updates, changed, mismatches : int
        Steps compared; pairs that a learning pass visited in them; weights that changed; values
        that differed.
    seconds : float
        Wall time, compilation not included.
    first_mismatch : dict or None
        Step, what, index, expected and got.
    digest : str
        Of the whole state after every step.
    """

    steps: int
    pair_updates: int
    changed: int
    mismatches: int
    seconds: float
    first_mismatch: Mapping[str, Any] | None
    digest: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a case.

    Attributes
    ----------
    case : Case
        What was asked.
    rtl : str
        Digest of the core's RTLIL.
    parts : list of Part
        In their order; the last one may have ended at a mismatch.
    """

    case: Case
    rtl: str
    parts: list[Part] = field(default_factory=list)

    def sum(self, name: str) -> Any:
        """Return the sum of an attribute over the parts."""
        return sum(getattr(part, name) for part in self.parts)

    @property
    def state(self) -> str:
        """Digest of the states of all parts."""
        return digest_of("".join(part.digest for part in self.parts))

    def row(self) -> dict[str, Any]:
        """Return the case's figures as plain values."""
        f = self.case.formats
        first = next((p.first_mismatch for p in self.parts if p.first_mismatch), None)
        seconds = self.sum("seconds")
        return {
            "n": f.n,
            "store": self.case.store,
            "memory": self.case.memory,
            "lanes": f.lanes,
            "pages": f.pages,
            "weight_bits": f.weight_bits,
            "steps": self.sum("steps"),
            "pair_updates": self.sum("pair_updates"),
            "changed": self.sum("changed"),
            "mismatches": self.sum("mismatches"),
            "first_mismatch": dict(first) if first else None,
            "seconds": round(seconds, 1),
            "pair_updates_per_s": round(self.sum("pair_updates") / seconds) if seconds else None,
            "rtl": self.rtl,
            "state": self.state,
        }


def network() -> Spec:
    """Return the network that a job names; nothing of it but its being there matters here."""
    return parse(
        'schema = 1\n[network]\nname = "exactness"\noscillators = 35\n'
        '[task]\nkind = "recall"\npatterns = "random:1"\n'
    )


def job_of(case: Case, part: int) -> Job:
    """Return the job of a part: it learns in every step."""
    return Job(network(), "learn", steps=case.steps, seed=part + 1)


def run_part(case: Case, part: int, folder: Path, progress: Progress | None = None) -> Part:
    """Simulate one part on CXXRTL; compiled cores stay in the folder."""

    def tell(done: int, total: int) -> None:
        if progress:
            progress(f"{case.name}, part {part + 1} of {case.parts}: step {done} of {total}")

    if progress:
        progress(f"{case.name}, part {part + 1} of {case.parts}: compiling where not yet done")
    result: SimResult = run_job(
        job_of(case, part), case.formats, case.steps, workdir=folder / case.name,
        product=case.product, store=case.plan, simulator="cxxrtl", cache=folder / "cxxrtl",
        progress=tell,
    )  # fmt: skip
    return Part(
        steps=result.steps, pair_updates=result.counters.visited, changed=result.counters.changed,
        mismatches=result.mismatches, seconds=result.run_seconds,
        first_mismatch=result.first_mismatch, digest=result.digest,
    )  # fmt: skip


def sources() -> str:
    """Return the digest of the code that a comparison rests on beside the emitted core."""
    root = Path(drai_hw.__file__).parent
    paths = [p for room in ("model", "sim", "rtl") for p in sorted((root / room).rglob("*"))]
    shown = (root / "sim/exactness/page.py", root / "sim/exactness/__main__.py")
    texts = [p.read_bytes() for p in paths if p.suffix in (".py", ".cc", ".v") and p not in shown]
    return digest_of(b"\0".join(texts))


def study(case: Case, folder: Path, progress: Progress | None = None) -> Found:
    """Run the parts of a case that the folder does not have yet; stop at a mismatch.

    A part is kept in a file of its own as soon as it is done, under the digest of the core and of
    the code, so that an interruption loses no more than the part at work.
    """
    found = Found(case=case, rtl=case.rtl_digest())
    key = digest_of(f"{found.rtl} {sources()} {case!r}")
    for number in range(case.parts):
        path = folder / f"{case.name}-{number}-{key}.json"
        if path.is_file():
            part = Part(**json.loads(path.read_text(encoding="utf-8")))
        else:
            part = run_part(case, number, folder, progress)
            write_whole(path, json.dumps(asdict(part)))
        found.parts.append(part)
        if part.mismatches:
            break
    return found


def total(found: Sequence[Found], name: str) -> int:
    """Return the sum of an attribute over all cases."""
    return sum(item.sum(name) for item in found)
