# amaranth: UnusedElaboratable=no
"""The reference page of ports: tables from the components, timing diagrams from simulation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from amaranth.hdl import Fragment

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.rtl.axi4lite import Axi4LiteTop
from drai_hw.rtl.core import Core
from drai_hw.rtl.spi import CLOCKS_PER_SCK, FILL, SpiTop
from drai_hw.rtl.top import FRAME_TIMEOUT_S, Top
from drai_hw.rtl.wishbone import WishboneTop
from drai_hw.sim import port_lines, port_scenes
from drai_hw.sim.regfile import RegisterFile
from drai_hw.sim.wavejson import Trace, lines

PAGE = Path("docs/reference/ports.md")
COMMAND = "python -m drai_hw.sim.ports_doc"
_SVG = "{http://www.w3.org/2000/svg}"

_TEXTS = {
    "clk": "clock; everything happens at its rising edge",
    "rst": "reset, synchronous, active high",
    "addr": "register number; held with the strobe",
    "wdata": "word to write",
    "we": "write strobe; held until `ack`",
    "re": "read strobe; held until `ack`",
    "rdata": "word read, in the clock of `ack`",
    "ack": "one clock: the access is done",
    "busy": "the core is running",
    "step_done": "one clock at the end of every step",
    "activity": "changes with every frame that was answered; for a light",
    "rx": "from the host: 8 data bits, no parity, one stop bit",
    "tx": "to the host, likewise",
    "sck": f"SPI clock, idle low, at most 1/{CLOCKS_PER_SCK} of `clk`",
    "cs_n": "chip select, active low",
    "mosi": "to the core, taken at the rising edge of SCK",
    "miso": "from the core, changes up to 4 clocks behind the falling edge of SCK",
    "miso_oe": "drive MISO; low lets other slaves have the line",
    "wb_clk_i": "clock",
    "wb_rst_i": "reset, synchronous, active high",
    "wb_cyc_i": "a cycle is under way",
    "wb_stb_i": "a transfer is asked for; held until `wb_ack_o` or `wb_err_o`",
    "wb_we_i": "the transfer writes",
    "wb_adr_i": "byte address, lowest two bits ignored",
    "wb_dat_i": "word to write",
    "wb_sel_i": "bytes of it that count",
    "wb_dat_o": "word read, in the clock of `wb_ack_o`",
    "wb_ack_o": "one clock: the transfer is done",
    "wb_err_o": "one clock instead: it had no effect",
    "s_axi_aclk": "clock",
    "s_axi_aresetn": "reset, synchronous, active low",
    "s_axi_awaddr": "write address in bytes, lowest two bits ignored",
    "s_axi_awprot": "ignored",
    "s_axi_wdata": "word to write",
    "s_axi_wstrb": "bytes of it that count",
    "s_axi_bresp": "0 OKAY, 2 SLVERR, 3 DECERR",
    "s_axi_araddr": "read address, likewise",
    "s_axi_arprot": "ignored",
    "s_axi_rdata": "word read; 0 with an error",
    "s_axi_rresp": "as `s_axi_bresp`",
}
_TEXTS |= {
    f"s_axi_{channel}{name}": text
    for channel in ("aw", "w", "b", "ar", "r")
    for name, text in {
        "valid": "what goes with it is there; held until `ready`",
        "ready": "it is taken in this clock",
    }.items()
}


def _ports(component: Any, own_clock: bool) -> str:
    rows = ["| port | direction | bits | meaning |", "| --- | --- | --- | --- |"]
    ports = [] if own_clock else [("clk", "in", 1), ("rst", "in", 1)]
    for name, member in component.signature.members.items():
        width = len(getattr(component, name))
        ports.append((name, member.flow.name.lower(), width))
    rows += [f"| `{name}` | {flow} | {bits} | {_TEXTS[name]} |" for name, flow, bits in ports]
    return "\n".join(rows)


def diagrams() -> dict[str, Trace]:
    """Return the diagrams of the page by the names of their files, each from a simulation."""
    uart_bits, uart_frames = port_lines.uart()
    spi_bits, spi_frames = port_lines.spi()
    return {
        "register-bus": port_scenes.register_bus(),
        "run": port_scenes.run(),
        "uart-byte": uart_bits,
        "uart-frame": uart_frames,
        "spi-byte": spi_bits,
        "spi-frame": spi_frames,
        "wishbone": port_scenes.wishbone(),
        "axi4lite": port_scenes.axi4lite(),
    }


def drawing(wavejson: str) -> str:
    """Return a diagram as SVG: what wavedrom draws, on white, without the shapes it has no use for.

    Raises
    ------
    DraiError
        The package wavedrom (extra `dev`) is missing.
    """
    try:
        import wavedrom
    except ImportError as error:
        raise DraiError(
            "the package wavedrom draws the diagrams and is missing; install it with "
            "`pip install 'drai_hw[dev]'`"
        ) from error
    ElementTree.register_namespace("", _SVG.strip("{}"))
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(wavedrom.render(wavejson).tostring())
    used = {
        use.get("{http://www.w3.org/1999/xlink}href", "").lstrip("#")
        for use in root.iter(f"{_SVG}use")
    }
    for shapes in root.iter(f"{_SVG}defs"):
        for shape in list(shapes):
            if shape.get("id") not in used:
                shapes.remove(shape)
    paper = ElementTree.Element(f"{_SVG}rect", width="100%", height="100%", fill="#ffffff")
    root.insert(1, paper)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def files() -> dict[str, str]:
    """Return the page and its drawings: path beside the page to content."""
    traces = diagrams()
    texts = {name: lines(trace.wavejson()) for name, trace in traces.items()}

    def show(name: str) -> str:
        return (
            f"![{traces[name].title}](ports/{name}.svg)\n\n<details><summary>WaveJSON</summary>\n\n"
            f"```json\n{texts[name]}```\n\n</details>"
        )

    core, other = Core(port_scenes.FORMATS), RegisterFile()
    Fragment.get(core, None)  # made for its ports; Amaranth complains of what is never built
    page = f"""# Ports

Made by `{COMMAND}`: the tables come from the components, the diagrams from simulations of them;
do not edit. A column is one clock unless the head of a diagram says otherwise; hatched values
mean nothing. The WaveJSON below each diagram is its source, for [WaveDrom](https://wavedrom.com).
How to choose and use one of these: [put the core into your design](../how-to/integrate.md).

## Register bus: `drai_core`

{_ports(core, own_clock=False)}

A strobe stands with its address until the acknowledge and falls for a clock before the next. An
access takes 4 clocks, one of `WEIGHT` a few more. `busy` in the first clock of a strobe decides
whether the core takes the access; while it runs only `STATUS` can be read.

{show("register-bus")}

{show("run")}

## Serial line: `drai_uart`

{_ports(Top(other, 1e6, 250000), own_clock=False)}

Frames: [registers and serial frames](registers.md). Silence of {FRAME_TIMEOUT_S * 1e3:g} ms
inside a frame ends it.

{show("uart-byte")}

{show("uart-frame")}

## SPI: `drai_spi`

{_ports(SpiTop(other, 1e6), own_clock=False)}

Mode 0, most significant bit first. The frames are those of the serial line: a request under one
chip select (a frame that it cuts short is answered with TIMEOUT at once), its response on MISO as
soon as it is ready, behind bytes of {FILL:#04x} and without a gap in itself. The master sends
{FILL:#04x} to fetch it; chip select may rise between any two bytes of it.

{show("spi-byte")}

{show("spi-frame")}

## Wishbone: `drai_wishbone`

{_ports(WishboneTop(other), own_clock=True)}

{show("wishbone")}

## AXI4-Lite: `drai_axi4lite`

{_ports(Axi4LiteTop(other), own_clock=True)}

Channels are independent, `valid` of the slave never waits for `ready`, and no output follows an
input within a clock.

{show("axi4lite")}
"""
    return {"ports.md": page} | {f"ports/{name}.svg": drawing(text) for name, text in texts.items()}


def main(arguments: list[str]) -> int:
    """Write page and drawings, or with ``--check`` say whether they are fresh.

    Parameters
    ----------
    arguments : list of str
        Optional ``--check``, optional path of the page.
    """
    check = "--check" in arguments
    paths = [argument for argument in arguments if argument != "--check"]
    folder = (Path(paths[0]) if paths else PAGE).parent
    made = files()
    if check:
        stale = [
            str(folder / name)
            for name, text in made.items()
            if not (folder / name).exists() or (folder / name).read_text() != text
        ]
        if stale:
            raise DraiError(
                f"{', '.join(stale)}: not what simulation shows; make again with `{COMMAND}`"
            )
        return 0
    for name, text in made.items():
        write_whole(folder / name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
