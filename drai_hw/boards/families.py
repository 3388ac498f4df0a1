"""Device families: tools, what their reports count, memory blocks, usual options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """What differs between device families in the flow from netlist to bitstream.

    Parameters
    ----------
    name : str
        As `drai_hw.boards.devices.Device.family` says it.
    place, pack : str
        Place-and-route tool and bitstream packer, as `drai_hw.boards.toolchain` knows them.
    routed : str
        Option by which nextpnr is told where to put the routed design.
    suffix : str
        Of the bitstream's name.
    counted : mapping
        For each resource the entries of nextpnr's utilisation that make it up, with the sites that
        each of them takes; the first names the entry whose total is the device's.
    shapes : tuple
        Depth x width of one memory block in simple dual-port use.
    logic_limit : float
        Share of the logic that placement and routing still manage at a fair speed.
    pnr : str
        Options for nextpnr on a board that names none.
    io_attributes : mapping
        Electrical standard of pins for which a board names none.
    product : {"mul", "logic"}
        Form of the lanes' product on a board that names none.
    cut : bool
        Whether the core cuts its weight memory into blocks itself. Else synthesis does, as it sees
        fit: on devices without multipliers for all lanes the registers around the blocks would
        cost more than they are worth.
    """

    name: str
    place: str
    pack: str
    routed: str
    suffix: str
    counted: Mapping[str, Mapping[str, float]]
    shapes: tuple[tuple[int, int], ...]
    logic_limit: float
    io_attributes: Mapping[str, str]
    pnr: str
    product: str
    cut: bool = False

    @property
    def tools(self) -> tuple[str, str, str]:
        """Synthesis, place and route, packer."""
        return ("yosys", self.place, self.pack)


# References of the shapes: Lattice FPGA-TN-02204 (ECP5 memory usage), FPGA-TN-02002 (iCE40 memory
# usage), Gowin UG285 (BSRAM and SSRAM): without parity bits blocks of 9, 18, 36 hold 8, 16, 32.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="ecp5",
            place="nextpnr-ecp5",
            pack="ecppack",
            routed="--textcfg",
            suffix=".bit",
            counted={
                "lut": {"TRELLIS_COMB": 1},
                "ff": {"TRELLIS_FF": 1},
                "ebr": {"DP16KD": 1},
                "dsp": {"MULT18X18D": 1},
            },
            shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
            logic_limit=0.80,
            io_attributes={"IO_TYPE": "LVCMOS33"},
            pnr="--router router2",
            product="mul",
            cut=True,
        ),
        Family(
            name="ice40",
            place="nextpnr-ice40",
            pack="icepack",
            routed="--asc",
            suffix=".bin",
            # A flip-flop is a part of a logic cell and not counted; nextpnr's log has it.
            counted={
                "lut": {"ICESTORM_LC": 1},
                "ebr": {"ICESTORM_RAM": 1},
                "spram": {"ICESTORM_SPRAM": 1},
                "dsp": {"ICESTORM_DSP": 1},
            },
            shapes=((256, 16), (512, 8), (1024, 4), (2048, 2)),
            logic_limit=0.96,
            io_attributes={"IO_STANDARD": "SB_LVCMOS"},
            pnr="",
            product="logic",
        ),
        Family(
            name="gowin",
            place="nextpnr-himbaechel-gowin",
            pack="gowin_pack",
            routed="--write",
            suffix=".fs",
            # A carry cell takes the place of a table; a memory of 16 x 4 takes the eight tables
            # of its tile, four of which nextpnr counts as such. A flip-flop is fed through the
            # table beside it, which nextpnr counts once it has placed them.
            counted={
                "lut": {"LUT4": 1, "ALU": 1, "RAM16SDP4": 4},
                "ff": {"DFF": 1},
                "ebr": {"BSRAM": 1},
                "dsp": {"MULT18X18": 1, "MULT9X9": 0.5},
            },
            shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
            logic_limit=0.82,
            io_attributes={"IO_TYPE": "LVCMOS33"},
            pnr="",
            product="logic",
        ),
    )
}
