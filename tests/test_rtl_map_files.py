from __future__ import annotations

import re
import subprocess

import pytest
from cmsis_svd.parser import SVDParser

from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import identity
from drai_hw.rtl.map_files import c_header, svd
from drai_hw.rtl.registers import FIELDS, MAGIC, REGISTERS, Cfg, Command, State

FORMATS = Formats(n=70, lanes=12, pages=6)
DIGEST = identity(FORMATS)


@pytest.fixture(scope="module")
def macros(tmp_path_factory) -> dict[str, int]:
    """The header's constants, as a C compiler computes them."""
    folder = tmp_path_factory.mktemp("header")
    text = c_header(FORMATS, DIGEST, name="drai_core", command="a test")
    (folder / "drai_core.h").write_text(text)
    names = re.findall(r"^#define (DRAI_\w+) \S", text, re.MULTILINE)
    assert len(names) == len(set(names))
    prints = "\n".join(f'  printf("{name} %lu\\n", (unsigned long)({name}));' for name in names)
    (folder / "main.c").write_text(
        '#include <stdio.h>\n#include "drai_core.h"\n#include "drai_core.h"\n'
        f"int main(void) {{\n{prints}\n  return 0;\n}}\n"
    )
    command = ["g++", "-x", "c", "-std=c90", "-pedantic", "-Wall", "-Werror", "main.c", "-o", "all"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    out = subprocess.run([folder / "all"], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in out.splitlines())}


def test_a_compiler_finds_every_register_and_field_where_the_table_has_it(macros):
    for name, register in REGISTERS.items():
        assert macros.pop(f"DRAI_{name}") == 4 * register.address
        for field, (first, width) in FIELDS.get(name, {}).items():
            assert macros.pop(f"DRAI_{name}_{field}_SHIFT") == first
            assert macros.pop(f"DRAI_{name}_{field}_MASK") == ((1 << width) - 1) << first
    assert macros["DRAI_MAGIC_VALUE"] == MAGIC
    assert macros["DRAI_DIGEST1_VALUE"] << 32 | macros["DRAI_DIGEST0_VALUE"] == DIGEST
    assert macros["DRAI_N"] == 70
    assert macros["DRAI_SLOTS"] == 72
    assert macros["DRAI_WEIGHT_WORDS"] == FORMATS.pair_slots
    rest = set(macros) - {
        f"DRAI_{name}" for name in ["N", "LANES", "PAGES", "SLOTS", "WEIGHT_WORDS"]
    }
    assert rest == {
        "DRAI_WINDOW_BYTES", "DRAI_MAGIC_VALUE", "DRAI_MAP_VERSION", "DRAI_DIGEST0_VALUE",
        "DRAI_DIGEST1_VALUE", "DRAI_PHASE_BITS", "DRAI_ACCUMULATOR_BITS", "DRAI_WEIGHT_BITS",
    }  # fmt: skip


def test_fields_lie_in_their_registers_apart_from_each_other_and_as_the_enumerations_say():
    for name, fields in FIELDS.items():
        taken = 0
        for first, width in fields.values():
            mask = ((1 << width) - 1) << first
            assert not taken & mask, name
            taken |= mask
        assert taken >> REGISTERS[name].width == 0, name
    assert {name: 1 << first for name, (first, _) in FIELDS["CONTROL"].items()} == {
        command.name: command.value for command in Command
    }
    assert {name: first for name, (first, _) in FIELDS["INPUT"].items()} == {
        field.name: field.value for field in Cfg
    }
    assert {name: first for name, (first, _) in FIELDS["STATE"].items()} == {
        field.name: field.value for field in State
    }


def test_another_projects_parser_reads_the_same_map_from_the_svd(tmp_path):
    path = tmp_path / "drai_core.svd"
    path.write_text(svd(FORMATS, DIGEST, name="drai_core"))
    device = SVDParser.for_xml_file(str(path)).get_device()
    (peripheral,) = device.peripherals
    found = {register.name: register for register in peripheral.registers}
    assert set(found) == set(REGISTERS)
    access = {"r": "read-only", "w": "write-only", "rw": "read-write"}
    for name, register in REGISTERS.items():
        assert found[name].address_offset == 4 * register.address
        assert found[name].access.value == access[register.access]
        fields = {f.name: (f.bit_offset, f.bit_width) for f in found[name].fields}
        assert fields == FIELDS.get(name, {"VALUE": (0, register.width)})
        moves = found[name].read_action
        assert (moves is not None and moves.value == "modify") == register.moves
