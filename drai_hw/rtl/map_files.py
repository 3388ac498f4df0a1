"""The register map for other people's tools: a C header, and CMSIS-SVD for debuggers and HALs."""

from __future__ import annotations

from xml.etree import ElementTree

from drai_hw.model.numbers import Formats
from drai_hw.rtl.access import WINDOW_BITS
from drai_hw.rtl.registers import FIELDS, MAGIC, MAP_VERSION, REGISTERS, Register

_ACCESS = {"r": "read", "w": "write", "rw": "read, write"}
_SVD_ACCESS = {"r": "read-only", "w": "write-only", "rw": "read-write"}


def constants(formats: Formats, digest: int) -> dict[str, tuple[int, str]]:
    """Return what is particular to a network's core: name to value and sentence."""
    f = formats
    return {
        "MAGIC_VALUE": (MAGIC, "what MAGIC reads"),
        "MAP_VERSION": (MAP_VERSION, "what VERSION reads in bits 7:0"),
        "DIGEST0_VALUE": (digest & 0xFFFFFFFF, "what DIGEST0 reads: this network"),
        "DIGEST1_VALUE": (digest >> 32, "what DIGEST1 reads: this network"),
        "N": (f.n, "oscillators"),
        "LANES": (f.lanes, "lanes L"),
        "PAGES": (f.pages, "pages M"),
        "SLOTS": (f.slots, "oscillator slots, padding included"),
        "WEIGHT_WORDS": (f.pair_slots, "weight words of L weights each"),
        "PHASE_BITS": (f.phase_bits, "P: bits of an input phase"),
        "ACCUMULATOR_BITS": (f.accumulator_bits, "A: bits of a phase; a turn is 2**A"),
        "WEIGHT_BITS": (f.weight_bits, "W: a weight is -(2**(W-1)-1) to 2**(W-1)-1"),
    }


def _ordered() -> list[tuple[str, Register]]:
    return sorted(REGISTERS.items(), key=lambda item: item[1].address)


def c_header(formats: Formats, digest: int, *, name: str, command: str) -> str:
    """Return a C header: byte offsets, fields, and the constants of a network's core.

    Offsets are those on a system bus with 32-bit registers (Wishbone, AXI4-Lite); a frame of the
    serial line or of SPI takes an offset divided by 4. ISO C90, no include, no code.

    Parameters
    ----------
    formats : Formats
        The core's.
    digest : int
        64-bit identity.
    name : str
        Name of the file without ``.h``.
    command : str
        What made it.
    """
    guard = f"{name.upper()}_H"
    lines = [
        f"/* {name}.h: registers of a drai_hw core. Made by: {command}",
        " * Generated files belong to whoever generated them: use and change this one as you like.",
        " * Offsets are in bytes; registers are 32 bits. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        f"#define DRAI_WINDOW_BYTES {1 << WINDOW_BITS}u",
        "",
        "/* This network. */",
    ]
    for key, (value, text) in constants(formats, digest).items():
        shown = f"0x{value:08X}u" if value > 0xFFFF else f"{value}u"
        lines.append(f"#define DRAI_{key} {shown} /* {text} */")
    for key, register in _ordered():
        sign = " signed" if register.signed else ""
        lines += [
            "",
            f"/* {_ACCESS[register.access]}, {register.width} bits{sign}. {register.text} */",
            f"#define DRAI_{key} 0x{4 * register.address:02X}u",
        ]
        for field, (first, width) in FIELDS.get(key, {}).items():
            mask = ((1 << width) - 1) << first
            lines += [
                f"#define DRAI_{key}_{field}_SHIFT {first}u",
                f"#define DRAI_{key}_{field}_MASK 0x{mask:08X}u",
            ]
    return "\n".join([*lines, "", "#endif", ""])


def svd(formats: Formats, digest: int, *, name: str) -> str:
    """Return a CMSIS-SVD description of the core as one peripheral at address 0.

    Shift it to where the core is on your bus. Parameters as for `c_header`.
    """

    def add(parent: ElementTree.Element, **texts: object) -> None:
        for tag, text in texts.items():
            ElementTree.SubElement(parent, tag).text = str(text)

    f = formats
    device = ElementTree.Element("device", schemaVersion="1.3")
    add(
        device,
        vendor="drai_hw",
        name=name,
        version=MAP_VERSION,
        description=(
            f"{f.n} coupled oscillators with learning, {f.lanes} lanes x {f.pages} pages, "
            f"digest {digest:016x}"
        ),
        addressUnitBits=8,
        width=32,
        size=32,
    )
    peripheral = ElementTree.SubElement(ElementTree.SubElement(device, "peripherals"), "peripheral")
    add(peripheral, name="DRAI", description="Oscillator core", baseAddress="0x0")
    block = ElementTree.SubElement(peripheral, "addressBlock")
    add(block, offset="0x0", size=hex(1 << WINDOW_BITS), usage="registers")
    registers = ElementTree.SubElement(peripheral, "registers")
    for key, register in _ordered():
        entry = ElementTree.SubElement(registers, "register")
        add(
            entry,
            name=key,
            description=register.text,
            addressOffset=f"0x{4 * register.address:02X}",
            size=32,
            access=_SVD_ACCESS[register.access],
        )
        if register.moves:
            add(entry, readAction="modify")
        parts = FIELDS.get(key) or {"VALUE": (0, register.width)}
        fields = ElementTree.SubElement(entry, "fields")
        for field, (first, width) in parts.items():
            add(
                ElementTree.SubElement(fields, "field"),
                name=field,
                bitOffset=first,
                bitWidth=width,
            )
    ElementTree.indent(device)
    return ElementTree.tostring(device, encoding="unicode", xml_declaration=False) + "\n"
