"""Which logic is mutated, by how many changes, and which bench must notice."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.emit_unit import unit_name
from drai_hw.rtl.units import COMPONENTS, unit_component
from drai_hw.sim.cxxrtl.build import run_pyosys
from tools.rtl_mutants import names, rtlil
from tools.rtl_mutants.rtlil import SELECT, SELECT_BITS, Cell, Variant

SEED = 1
WITH_ALL: dict[str, Any] = {
    "resonance": True, "theta_r": 4, "decay": True, "budget": True, "centring": True, "mask": True,
    "g": "gaussian",
}  # fmt: skip
UNIT = Formats(n=35, lanes=8, pages=5, **WITH_ALL)
PLAIN_UNIT = Formats(n=35, lanes=8, pages=5)
CORE = Formats(n=11, lanes=4, pages=3, edge=True, **WITH_ALL)


@dataclass(frozen=True)
class Target:
    """A module and its bench.

    Attributes
    ----------
    name : str
        As the page calls it.
    module : str
        Of the RTLIL that is mutated.
    formats : Formats
        Formats and features.
    bits : int
        How many changes of single bits yosys is asked for.
    unit : str
        The unit whose bench judges it; "" for a module of the core, which the core's bench judges.
    kept : bool
        Whether it stands on the page: what is equal among its mutants can be told.
    """

    name: str
    module: str
    formats: Formats
    bits: int
    unit: str = ""
    kept: bool = True

    @property
    def top(self) -> str:
        """The top module."""
        return unit_name(self.unit) if self.unit else emit.NAME

    @property
    def latency(self) -> int:
        """Clocks of a unit from its inputs to ``valid``."""
        return COMPONENTS[self.unit].clocks(self.formats)

    def component(self) -> Any:
        """Return a fresh component."""
        return unit_component(self.unit, self.formats) if self.unit else Core(self.formats)

    def rtlil(self) -> str:
        """Return the RTLIL of all, as it is emitted."""
        return _rtlil(self.unit, self.formats)

    def digest(self) -> str:
        """Return what tells whether the mutated module, and all around it, is still the same."""
        return hashlib.sha256(self.rtlil().encode()).hexdigest()[:16]


@cache
def _rtlil(unit: str, formats: Formats) -> str:
    component = unit_component(unit, formats) if unit else Core(formats)
    return emit.rtlil(component, name=unit_name(unit) if unit else emit.NAME)


def _unit(unit: str, bits: int, formats: Formats, name: str = "") -> Target:
    return Target(name or f"unit {unit}", unit_name(unit), formats, bits, unit)


TARGETS = (
    _unit("synapse", 250, UNIT),
    _unit("neuron", 60, UNIT),
    _unit("update", 200, PLAIN_UNIT),
    _unit("prng", 40, UNIT),
    Target("lane", "drai_core.lane_1", CORE, 150, kept=False),
    Target("update unit", "drai_core.update", CORE, 250, kept=False),
    Target("sequencer", "drai_core.sequencer", CORE, 250),
)


@dataclass(frozen=True)
class Mutant:
    """One change of a module.

    Attributes
    ----------
    number : int
        By which it is chosen, from 1.
    name : str
        What is changed.
    """

    number: int
    name: str


@dataclass(frozen=True)
class Mutated:
    """A module with all its mutants in it.

    Attributes
    ----------
    source : Path
        RTLIL with one more input, `SELECT`.
    mutants : list of Mutant
        What each number chooses.
    """

    source: Path
    mutants: list[Mutant]


def mutated(target: Target, folder: Path) -> Mutated:
    """Put all mutants of a target into one RTLIL file.

    Single bits are changed by yosys (`mutate`: inverted, stuck at 0 or 1, or inverted where
    another bit of the port is 0 or 1); words by `tools.rtl_mutants.rtlil`.
    """
    from amaranth.back import rtlil as backend

    folder.mkdir(parents=True, exist_ok=True)
    text = emit.without_bypass(backend.convert(target.component(), name=target.top, emit_src=True))
    (folder / "given.il").write_text(text, encoding="utf-8")
    flat = "flatten -noscopeinfo" if target.unit else ""
    _yosys(folder, "list", f"""
        read_rtlil given.il
        hierarchy -top {target.top}
        proc
        {flat}
        opt_expr
        opt_clean
        write_rtlil base.il
        mutate -list {target.bits} -seed {SEED} -module {target.module} -o list.txt
    """)  # fmt: skip
    lines = (folder / "base.il").read_text(encoding="utf-8").splitlines()
    cells = {cell.name: cell for cell in rtlil.cells_of(lines, target.module)}
    orders = [
        order for order in (folder / "list.txt").read_text(encoding="utf-8").splitlines()
        if _counts(order, cells)
    ]  # fmt: skip
    commands = [
        order.replace("mutate ", f"mutate -ctrl {SELECT} {SELECT_BITS} {number} ", 1)
        for number, order in enumerate(orders, 1)
    ]
    (folder / "bits.ys").write_text("\n".join(commands) + "\n", encoding="utf-8")
    _yosys(folder, "apply", "read_rtlil base.il\nscript bits.ys\nwrite_rtlil bits.il\n")
    said = [names.of_bit(_words(order), cells) for order in orders]
    chosen: list[tuple[str, Variant, int]] = []
    for cell in cells.values():
        for variant in rtlil.variants_of(cell):
            said.append(f"{names.place(cell, cells)}: {variant.what}")
            chosen.append((cell.name, variant, len(said)))
    lines = (folder / "bits.il").read_text(encoding="utf-8").splitlines()
    source = folder / "mutants.il"
    source.write_text("\n".join(rtlil.made(lines, target.module, chosen)) + "\n", encoding="utf-8")
    if not target.unit:
        # A wrong choice may choose two of its inputs: what then comes is made plain, so that
        # simulator and proof see the same logic.
        _yosys(folder, "choose", "read_rtlil mutants.il\npmuxtree\nwrite_rtlil mutants.il\n")
    seen: Counter[str] = Counter()
    mutants = []
    for number, name in enumerate(said, 1):
        seen[name] += 1
        mutants.append(Mutant(number, name + (f" #{seen[name]}" if seen[name] > 1 else "")))
    return Mutated(source, mutants)


def _yosys(folder: Path, name: str, script: str) -> None:
    run_pyosys(script, folder, name, "yosys does not mutate the RTL")


def _words(order: str) -> dict[str, str]:
    words = [word for word in shlex.split(order.replace("\\", "\\\\"))][1:]
    return dict(zip(words[::2], words[1::2], strict=True))


def _counts(order: str, cells: dict[str, Cell]) -> bool:
    """Leave clocks alone, contents of tables, and parts that are judged by themselves."""
    words = _words(order)
    cell = cells.get(words["-cell"]) or cells.get("\\" + words["-cell"])
    if cell is None or not cell.type.startswith("$") or cell.type.startswith("$meminit"):
        return False
    return words["-port"] != "CLK"
