"""Emission of components as Verilog and RTLIL, with metadata that benches and users need."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drai_hw.errors import SpecError
from drai_hw.files import write_together
from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core, identity
from drai_hw.rtl.map_files import c_header, svd
from drai_hw.rtl.registers import MAP_VERSION, REGISTERS
from drai_hw.rtl.stores import Plan, step_clocks, weight_memory
from drai_hw.rtl.timing import page_word
from drai_hw.rtl.update import input_word, mark_word
from drai_hw.rtl.wrap import Bus

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "drai_core"

_HEADER = """\
// {name}: {what}
// Made by: {command}
// Generated files belong to whoever generated them: use, change and license this one as you like.
// Do not edit it by hand; change the network file and make it again.
"""


@contextmanager
def _own_yosys() -> Iterator[None]:
    """Let Amaranth use the pinned Verilog writer: a system yosys would write other text."""
    before = os.environ.get("AMARANTH_USE_YOSYS")
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AMARANTH_USE_YOSYS"]
        else:
            os.environ["AMARANTH_USE_YOSYS"] = before


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise SpecError(f"module name {name!r}: letters, digits and underscores are needed")


def verilog(
    component: Any, *, name: str = NAME, command: str, what: str = "generated logic"
) -> str:
    """Return a component as plain Verilog, the same text every time.

    The component is consumed: make a new one for another emission. Ports are its own and ``clk``,
    ``rst`` (synchronous, active high).

    Parameters
    ----------
    component : Component
        An Amaranth component, such as `drai_hw.rtl.core.Core`.
    name : str
        Name of the top module; inner modules are ``<name>.<part>``.
    command : str
        What made the text, for its header.
    what : str
        One line on what the module is, for its header.

    Raises
    ------
    SpecError
        The name is no Verilog identifier.
    """
    _check_name(name)
    from amaranth.back import verilog as backend

    with _own_yosys():
        text = backend.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    return _HEADER.format(name=name, what=what, command=command) + _settled(text)


def _settled(text: str) -> str:
    """Make combinational blocks settle at time 0 in SystemVerilog simulators too.

    Yosys starts its ``always @*`` blocks by a register whose declaration sets it: an event in
    Verilog-2005, but not in SystemVerilog, where the value is there before any block waits. A
    block whose inputs never change would then stay unknown for ever. A non-blocking assignment
    comes after all blocks have begun to wait.
    """
    return re.sub(
        r"^( *)reg (\\\$auto\$verilog_backend\S+ ) = 0;$",
        r"\1reg \2;\n\1initial \2 <= 0;",
        text,
        flags=re.MULTILINE,
    )


def rtlil(component: Any, *, name: str = NAME) -> str:
    """Return a component as RTLIL for yosys; the component is consumed.

    Reads that meet a write of the same word are marked as undefined (see
    `drai_hw.rtl.timing.block_memory`), which RTLIL made by Amaranth cannot say itself.
    """
    _check_name(name)
    from amaranth.back import rtlil as backend

    return without_bypass(backend.convert(component, name=name, emit_src=False))


def without_bypass(text: str) -> str:
    """Mark in RTLIL text that no memory is read where it is being written.

    Without it synthesis for iCE40 builds about 600 flip-flops of bypass logic into a core of
    8 lanes. Only right for memories whose schedule keeps reads and writes apart, as all do here.
    """
    return re.sub(
        r"(parameter \\COLLISION_X_MASK )(\d+)'0+\b",
        lambda found: f"{found[1]}{found[2]}'{'1' * int(found[2])}",
        text,
    )


def metadata(
    formats: Formats,
    *,
    name: str = NAME,
    product: str = "mul",
    bus: Bus | None = None,
    store: Plan | None = None,
) -> dict[str, Any]:
    """Describe an emitted core: formats, identity, registers, and where its state is found.

    Memories are named by the path of instances below the top module, the array last; word ``k``
    holds oscillator slot k, or for weights the k-th active slot of the schedule, lane 0 in the
    least significant bits (see `drai_hw.rtl.stores.weight_memory` for several memories).
    """

    def fields(layout: Any) -> dict[str, dict[str, int]]:
        return {key: {"first_bit": item.offset, "bits": item.width} for key, item in layout}

    bus = bus or Bus()
    inside = "" if bus.kind == "none" else "core."
    slots = formats.slots
    phase = {"theta": {"first_bit": 0, "bits": formats.accumulator_bits}}
    omega = {"omega": {"first_bit": 0, "bits": formats.accumulator_bits}}
    memories = {
        "theta": {"path": f"{inside}update.theta_memory", "depth": slots, "fields": phase},
        "omega": {"path": f"{inside}update.omega_memory", "depth": slots, "fields": omega},
        "inputs": {
            "path": f"{inside}update.inputs_memory",
            "depth": slots,
            "fields": fields(input_word(formats)),
        },
        "marks": {
            "path": f"{inside}update.marks_memory",
            "depth": slots,
            "fields": fields(mark_word(formats)),
        },
        "weights": weight_memory(formats, store, f"{inside}weights"),
    }
    replicas = {
        "replica_memories": [
            {name: _of_replica(memories[name], r) for name in ("theta", "omega", "inputs", "marks")}
            for r in range(1, formats.replicas)
        ]
    }
    couple = step_clocks(formats, store)
    slow = step_clocks(formats, store, learn=True)
    return {
        "top": name,
        "bus": bus.record(),
        "product": product,
        "formats": formats.record(),
        "identity": f"{identity(formats):016x}",
        "map_version": MAP_VERSION,
        "registers": {key: register.address for key, register in REGISTERS.items()},
        "page_word_bits": page_word(formats).size,
        "memories": memories,
        **(replicas if formats.replicas > 1 else {}),
        # The rotating words are the port `word` of their lane.
        "ring_registers": [
            f"{inside}lane_{lane}.{register}"
            for lane in range(formats.lanes)
            for register in ("local_word", "word", "local_sum", "rotating_sum")
        ],
        "clocks_per_step": {
            "couple": couple,
            "field_and_couple": step_clocks(formats, store, field=True),
            **({"couple_and_learn": slow} if slow != couple else {}),
            **({"edge": step_clocks(formats, store, edge=True)} if formats.edge else {}),
            **(
                {"census_and_couple": step_clocks(formats, store, census=True)}
                if formats.census_passes
                else {}
            ),
        },
    }


def _of_replica(memory: dict[str, Any], replica: int) -> dict[str, Any]:
    """Describe the memory of another replica than the first."""
    return memory | {"path": memory["path"].replace("update.", f"update_r{replica}.")}


def texts(
    formats: Formats,
    *,
    product: str = "mul",
    name: str | None = None,
    command: str,
    bus: Bus | None = None,
) -> dict[str, str]:
    """Return the files of an emitted core: Verilog, RTLIL, metadata, C header and CMSIS-SVD.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    product : {"mul", "logic"}
        See `drai_hw.rtl.core.Core`.
    name : str, optional
        Name of the top module and of the files; the bus' own if left out.
    command : str
        What made the files, for the header.
    bus : Bus, optional
        What stands around the core; the register bus alone if left out.
    """
    bus = bus or Bus()
    name = name or bus.top
    what = (
        f"{formats.n} coupled oscillators with learning, {formats.lanes} lanes x "
        f"{formats.pages} pages{bus.what}"
    )
    facts = metadata(formats, name=name, product=product, bus=bus)
    digest = identity(formats)

    def component() -> Any:
        return bus.around(Core(formats, product=product))

    return {
        f"{name}.v": verilog(component(), name=name, command=command, what=what),
        f"{name}.il": rtlil(component(), name=name),
        f"{name}.json": json.dumps(facts, indent=2) + "\n",
        f"{name}.h": c_header(formats, digest, name=name, command=command),
        f"{name}.svd": svd(formats, digest, name=name),
    }


def write(files: Mapping[str, str], folder: str | Path) -> dict[str, Path]:
    """Write files into a folder, each whole or not at all; return where they are."""
    target = Path(folder)
    out = {name: target / name for name in files}
    write_together({out[name]: text for name, text in files.items()})
    return out
