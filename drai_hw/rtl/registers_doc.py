"""The reference page of registers and frames, made from the tables that host and logic use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.rtl.bridge import BUFFER_BYTES
from drai_hw.rtl.frame import FRAME, STATUS_TEXT, FrameFormat, Op
from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS, MAP_VERSION, REGISTERS
from drai_hw.rtl.top import FRAME_TIMEOUT_S

PAGE = Path("docs/reference/registers.md")
COMMAND = "python -m drai_hw.rtl.registers_doc"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [tuple(head), tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
                     for row in lines)  # fmt: skip


def _hex(data: bytes) -> str:
    return " ".join(f"{byte:02x}" for byte in data)


def _registers() -> str:
    access = {"r": "read", "w": "write", "rw": "read, write"}
    rows = [
        (
            str(register.address),
            f"`{name}`",
            access[register.access],
            f"{register.width}{' signed' if register.signed else ''}",
            register.text,
        )
        for name, register in sorted(REGISTERS.items(), key=lambda item: item[1].address)
    ]
    return _table(("address", "name", "access", "bits", "meaning"), rows)


def _frames(frame: FrameFormat) -> str:
    request = [
        ("2", "sync", f"`{_hex(bytes(frame.request_sync))}`"),
        ("1", "op", "sum of the bits below; all others 0"),
        ("1", "tag", "any number; comes back in the response"),
        ("1", "address", f"first register, 0 to {(1 << frame.address_bits) - 1}"),
        ("1", "words", f"words to write, or to read, 1 to {frame.max_words}"),
        ("4 x words", "payload", "of a write only: words, least significant byte first"),
        ("2", "checksum", "over op to payload, most significant byte first"),
    ]
    response = [
        ("2", "sync", f"`{_hex(bytes(frame.response_sync))}`"),
        ("1", "tag", "of the request"),
        ("1", "status", "see below"),
        ("1", "words", "words that follow; 0 but for a read that succeeded"),
        ("4 x words", "payload", "words, least significant byte first"),
        ("2", "checksum", "over tag to payload, most significant byte first"),
    ]
    ops = [
        (f"{int(Op.WRITE)}", "write; without it, read"),
        (
            f"{int(Op.FIXED)}",
            "all words at one address (for registers that move on by themselves); without it, "
            "one register after the other",
        ),
    ]
    statuses = [
        (str(int(status)), f"`{status.name}`", text) for status, text in STATUS_TEXT.items()
    ]
    head = ("bytes", "field", "meaning")
    crc = frame.crc.algorithm
    return f"""A request and its response, field after field:

{_table(head, request)}

{_table(head, response)}

Bits of op:

{_table(("value", "meaning"), ops)}

Status:

{_table(("value", "name", "meaning"), statuses)}

The checksum is the {crc.crc_width}-bit CRC with polynomial {crc.polynomial:#06x}, initial value
{crc.initial_crc:#06x}, no reflection, no final inversion (listed as CRC-16/IBM-3740).

Example: `{_hex(frame.encode_request(Op.READ, 1, 0, count=1))}` reads `MAGIC` with tag 1; the
response is `{_hex(frame.encode_response(1, 0, (0x44524149,)))}`.

- A request is carried out only after its checksum was found right; otherwise nothing is written.
- A write with the tag of the last executed request is confirmed and not executed again, so a host
  that lost a response repeats the very same bytes. The first request after a reset is always
  executed. Reads are executed every time.
- Requests may follow each other without waiting: the bridge holds {BUFFER_BYTES - 1} bytes, the
  payload it is working on included. What does not fit is lost.
- A frame that stops for {FRAME_TIMEOUT_S * 1e3:g} ms (at most twice that) is dropped with status
  TIMEOUT; bytes between frames are ignored."""


def registers_markdown() -> str:
    """Return the reference page of the register map and the serial frames.

    The text depends on nothing but the tables it shows, so it is the same on every machine.
    """
    return f"""# Registers and serial frames

Made by `{COMMAND}` from the tables that logic and host driver are built from; do not edit.

## Registers

Map version {MAP_VERSION}: {1 << BUS_ADDRESS_BITS} addresses of {BUS_DATA_BITS} bits. Bits beyond
those listed are ignored when written and read 0; signed registers are sign-extended. While a run is
under way only `STATUS` can be read.

{_registers()}

## Serial frames

8 data bits, no parity, one stop bit; the bit rate is the board's (`uart.baud` in its board.toml).

{_frames(FRAME)}
"""


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is fresh.

    Parameters
    ----------
    arguments : list of str
        Optional ``--check``, optional path of the page.
    """
    check = "--check" in arguments
    paths = [argument for argument in arguments if argument != "--check"]
    page = Path(paths[0]) if paths else PAGE
    text = registers_markdown()
    if check:
        if not page.exists() or page.read_text() != text:
            raise DraiError(f"{page} is not what the tables say; make it again with `{COMMAND}`")
        return 0
    write_whole(page, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
