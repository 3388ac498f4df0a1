"""The core's register map: decoder, host driver and documentation are made from this one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from drai_hw.model.machine import Passes
from drai_hw.model.numbers import Formats

BUS_ADDRESS_BITS = 6
BUS_DATA_BITS = 32
MAGIC = 0x44524149  # "DRAI"
MAP_VERSION = 1


@dataclass(frozen=True)
class Register:
    """One address of the host bus.

    Parameters
    ----------
    address : int
        Word address, 0 to 63.
    access : str
        "r", "w" or "rw".
    width : int
        Bits used, counted from bit 0; the others read 0 and are ignored.
    text : str
        What it does, with units.
    signed : bool
        Two's complement; reads are sign-extended to 32 bits.
    moves : bool
        An access moves an address on, so that reading it has an effect.
    """

    address: int
    access: str
    width: int
    text: str
    signed: bool = False
    moves: bool = False


class Command(IntFlag):
    """Bits of CONTROL; writing it starts a run of STEPS steps or the named action."""

    FIELD = 1
    COUPLE = 2
    LEARN = 4
    RESUME = 8
    RUN = 16
    RESEED = 32
    CLEAR_ERROR = 64
    EDGE = 128
    CENSUS = 256


def command_of(passes: Passes) -> Command:
    """Return the bits of CONTROL that ask for some passes."""
    command = Command(0)
    for wanted, bit in (
        (passes.field, Command.FIELD),
        (passes.couple, Command.COUPLE),
        (passes.learn, Command.LEARN),
        (passes.edge, Command.EDGE),
        (passes.census, Command.CENSUS),
    ):
        command |= bit if wanted else Command(0)
    return command


class Status(IntFlag):
    """Bits of STATUS."""

    BUSY = 1
    ERROR = 2


class Cfg(IntEnum):
    """First bit of each field of INPUT."""

    STRENGTH = 0
    PSI = 16
    CLAMP = 30
    ACTIVE = 31


class State(IntEnum):
    """First bit of each field of STATE."""

    THETA = 0
    LOW = 27
    LEAN = 28
    OVER = 30
    MARGIN = 31


# Widths that follow from the formats are given for the default profile; `text` says what they are.
REGISTERS: dict[str, Register] = {
    "MAGIC": Register(0, "r", 32, 'Identity: ASCII "DRAI".'),
    "VERSION": Register(1, "r", 32, "Version of this map (bits 7:0); bits 31:16 hold N."),
    "DIGEST0": Register(2, "r", 32, "SHA-256 digest of the design, bits 31:0."),
    "DIGEST1": Register(3, "r", 32, "Digest, bits 63:32."),
    "GEOMETRY": Register(4, "r", 32, "Lanes L (bits 15:0) and pages M (bits 31:16)."),
    "STATUS": Register(
        5, "r", 2, "Bit 0 BUSY: a run is under way. Bit 1 ERROR: an access came while busy."
    ),
    "CONTROL": Register(
        6,
        "w",
        9,
        "Bit 0 FIELD, 1 COUPLE, 2 LEARN: passes of a step; 3 RESUME: SHIL ramp and edge slots go "
        "on; 4 RUN: start STEPS steps; 5 RESEED: restart random streams, threshold sweep and "
        "counters; 6 CLEAR_ERROR; 7 EDGE: edge passes instead of couple passes; 8 CENSUS: every "
        "census before the couple pass. 7 and 8 do nothing where these are not compiled in.",
    ),
    "STEPS": Register(7, "rw", 24, "Steps of a run, 1 to 2**24 - 1."),
    "GAIN": Register(
        8, "rw", 16, "Coupling gain K: a torque sum S moves a phase by K S / 2**SH LSB."
    ),
    "SHIL_MAX": Register(9, "rw", 12, "Largest second-harmonic strength k_s."),
    "SHIL_STEP": Register(10, "rw", 12, "Growth of k_s a step."),
    "ETA": Register(11, "rw", 17, "Probability of a weight update, 1/65536; 65536 is always."),
    "DECAY": Register(12, "rw", 17, "Probability of a decay event, 1/65536; absent without decay."),
    "DITHER": Register(13, "rw", 5, "0: none; s + 1: dither of amplitude 2**s LSB."),
    "MARGIN": Register(14, "rw", 32, "Field threshold of the margin bit.", signed=True),
    "GATES": Register(15, "rw", 2, "Bit 0 margin gate, bit 1 resonance gate."),
    "INDEX": Register(
        16,
        "rw",
        16,
        "Oscillator slot of STATE, OMEGA and INPUT; grows by one with each access of them.",
    ),
    "STATE": Register(
        17,
        "rw",
        32,
        "Phase accumulator (bits A-1:0); read only: 31 margin bit and, where compiled in, 30 over, "
        "29:28 lean (signed), 27 low.",
        moves=True,
    ),
    "OMEGA": Register(18, "rw", 24, "Tuning word, LSB a step (A bits).", signed=True, moves=True),
    "INPUT": Register(
        19,
        "rw",
        32,
        "Bits 11:0 input strength F, 25:16 input phase psi (P bits), 30 clamp, 31 active.",
        moves=True,
    ),
    "WEIGHT_ADDRESS": Register(
        20, "rw", 24, "Weight word (slot of the schedule) that WEIGHT starts at; lane counter to 0."
    ),
    "WEIGHT": Register(
        21,
        "rw",
        8,
        "Weight of the current lane, then the next; after L accesses the next word. Writing stores "
        "a word when its last lane has come.",
        signed=True,
        moves=True,
    ),
    "BUDGET": Register(
        22, "rw", 20, "Row sum of |w| from which a census flags an oscillator; row-budget only."
    ),
    "SHRINK": Register(
        23, "rw", 17, "Probability of a decay event where a flag stands, 1/65536; row-budget only."
    ),
    "VISITED": Register(24, "r", 32, "Counter: pairs evaluated in learning passes."),
    "GATED_ON": Register(25, "r", 32, "Counter: pairs whose gates were open."),
    "WRITTEN": Register(26, "r", 32, "Counter: pairs with an update event and open gates."),
    "CHANGED": Register(27, "r", 32, "Counter: pairs whose stored weight changed."),
    "STEPS_DONE": Register(28, "r", 32, "Steps since reset."),
    "SHIL": Register(29, "r", 12, "Present second-harmonic strength k_s."),
    "CENTRE": Register(
        30, "rw", 16, "Gain of row sums in the census of w, 0 is off; row-centring only."
    ),
    "SLOT": Register(31, "r", 10, "Slot of the next edge pass in the turn; edge-align only."),
    "REPLICA": Register(
        32, "rw", 6, "Replica whose STATE, OMEGA and INPUT are accessed; cores with replicas only."
    ),
}


def _flags(flags: type[IntFlag]) -> dict[str, tuple[int, int]]:
    return {str(flag.name): (flag.value.bit_length() - 1, 1) for flag in flags}


FIELDS: dict[str, dict[str, tuple[int, int]]] = {
    "VERSION": {"MAP": (0, 8), "N": (16, 16)},
    "GEOMETRY": {"LANES": (0, 16), "PAGES": (16, 16)},
    "STATUS": _flags(Status),
    "CONTROL": _flags(Command),
    "GATES": {"MARGIN": (0, 1), "RESONANCE": (1, 1)},
    "STATE": {
        "THETA": (State.THETA, 24),
        "LOW": (State.LOW, 1),
        "LEAN": (State.LEAN, 2),
        "OVER": (State.OVER, 1),
        "MARGIN": (State.MARGIN, 1),
    },
    "INPUT": {
        "STRENGTH": (Cfg.STRENGTH, 12),
        "PSI": (Cfg.PSI, 10),
        "CLAMP": (Cfg.CLAMP, 1),
        "ACTIVE": (Cfg.ACTIVE, 1),
    },
}
"""Fields of registers that hold several: first bit and width, the widest that formats allow."""


def setting_registers(formats: Formats) -> dict[str, str]:
    """Return the registers of `Settings` that a core has, with the field that each holds."""
    names = ["gain", "shil_max", "shil_step", "eta", "dither", "margin", "gates"]
    names += ["decay"] * formats.decay
    names += ["budget", "shrink"] * formats.budget
    names += ["centre"] * formats.centring
    return {name.upper(): name for name in names}
