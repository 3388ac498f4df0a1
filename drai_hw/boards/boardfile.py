"""Board files: ``board.toml`` read, checked and turned into one object the flow builds for."""

from __future__ import annotations

import difflib
import importlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drai_hw.boards.devices import Device, find_device
from drai_hw.boards.pll import Ecp5Pll, Ice40Pll, ecp5_pll, ice40_pll
from drai_hw.errors import SpecError, ToolError

SCHEMA = 1
DEFAULT_BOARD = "ulx3s-85f"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clock(_Part):
    """Where the system clock comes from.

    ``oscillator_hz`` is what the crystal gives at the resource ``resource``; with ``pll_hz`` the
    device's PLL makes the system clock from it, otherwise it is the system clock itself.
    """

    resource: str
    oscillator_hz: float = Field(gt=0)
    pll_hz: float | None = Field(default=None, gt=0)


class Uart(_Part):
    """The two wires to the host: a resource of the platform, or two pins for an adapter."""

    resource: str | None = None
    number: int = Field(default=0, ge=0)
    rx_pin: str | None = None
    tx_pin: str | None = None
    io_attributes: dict[str, str | int | bool] = {}
    baud: int = Field(default=115200, ge=1200, le=4_000_000)

    @model_validator(mode="after")
    def _one_way(self) -> Uart:
        pins = (self.rx_pin, self.tx_pin)
        if self.resource is None and None in pins:
            raise ValueError("give either `resource`, or both `rx_pin` and `tx_pin`")
        if self.resource is not None and pins != (None, None):
            raise ValueError("give either `resource`, or both `rx_pin` and `tx_pin`, not both")
        return self


class Led(_Part):
    """A light that shows activity; boards without one leave the table out."""

    resource: str = "led"
    number: int = Field(default=0, ge=0)


class Hold(_Part):
    """A pin that must rest at a level, whatever the design does, with the reason."""

    pin: str
    level: Literal[0, 1]
    reason: str
    io_attributes: dict[str, str | int | bool] = {}


class Options(_Part):
    """Options for the tools, and the form of the lanes' product."""

    synth: str = ""
    pnr: str = ""
    product: Literal["mul", "logic"]


class _File(_Part):
    schema_: int = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    platform: str = Field(pattern=r"^[\w.]+:\w+$")
    device: str
    programmer: str | None = None
    clock: Clock
    uart: Uart
    led: Led | None = None
    hold: tuple[Hold, ...] = ()
    options: Options


_TABLES: dict[str, type[BaseModel]] = {
    "clock": Clock,
    "uart": Uart,
    "led": Led,
    "hold": Hold,
    "options": Options,
}


@dataclass(frozen=True)
class ClockPlan:
    """The system clock of a build: straight from the oscillator, or through a PLL."""

    source_hz: float
    output_hz: float
    pll: Ecp5Pll | Ice40Pll | None


@dataclass(frozen=True)
class Board:
    """One board: its device, clock, wires to the host, and tool options.

    `load_board` makes it; ``folder`` is None when it stands for a bare platform class.
    """

    name: str
    title: str
    platform: str
    device: Device
    clock: Clock
    uart: Uart
    led: Led | None
    hold: tuple[Hold, ...]
    options: Options
    programmer: str | None
    folder: Path | None

    @property
    def family(self) -> str:
        """Device family, ``"ecp5"`` or ``"ice40"``."""
        return self.device.family

    @property
    def system_hz(self) -> float:
        """Clock the board file asks for, before the PLL's rounding."""
        return self.clock.pll_hz or self.clock.oscillator_hz

    def plan_clock(self, clock_hz: float | None = None) -> ClockPlan:
        """Plan the system clock.

        Without ``clock_hz`` the board file's choice is taken. A frequency equal to the
        oscillator's needs no PLL; any other takes the nearest the PLL reaches.

        Raises
        ------
        SpecError
            If the PLL cannot make the frequency.
        """
        wanted_hz = self.system_hz if clock_hz is None else float(clock_hz)
        source_hz = self.clock.oscillator_hz
        if wanted_hz == source_hz:
            return ClockPlan(source_hz, source_hz, None)
        pll: Ecp5Pll | Ice40Pll = (
            ecp5_pll(source_hz, wanted_hz)
            if self.family == "ecp5"
            else ice40_pll(source_hz, wanted_hz)
        )
        return ClockPlan(source_hz, pll.output_hz, pll)

    def platform_class(self) -> Any:
        """Import the Amaranth platform of the board.

        Raises
        ------
        ToolError
            If the package that holds it is not installed.
        SpecError
            If the package has no such class, or one for another device.
        """
        cls = _platform_class(self.platform)
        if cls.device != self.device.name:
            raise SpecError(
                f"board {self.name!r}: platform {self.platform!r} is for device "
                f"{cls.device!r}, the board file says {self.device.name!r}; "
                "make the two agree"
            )
        return cls


def board_folders() -> list[Path]:
    """List the folders that may hold board folders: the installed package's, then the checkout's.

    The wheel carries the repository's ``boards/`` as package data; an editable install or a
    checkout has it two levels above this module.
    """
    packaged = Path(str(files("drai_hw.boards"))) / "data"
    checkout = Path(__file__).resolve().parents[2] / "boards"
    return [folder for folder in (packaged, checkout) if folder.is_dir()]


def known_boards() -> dict[str, Path]:
    """Map each known board's name to its folder, in alphabetical order."""
    found: dict[str, Path] = {}
    for root in board_folders():
        for file in root.glob("*/board.toml"):
            found.setdefault(file.parent.name, file.parent)
    return dict(sorted(found.items()))


def load_board(board: str | Path) -> Board:
    """Find and check a board.

    Parameters
    ----------
    board : str or Path
        Name of a known board, a folder that holds ``board.toml`` (or that file), or
        ``module:PlatformClass`` of an Amaranth platform that has a ``uart`` resource.

    Raises
    ------
    SpecError
        If there is no such board or its file is not acceptable; with the nearest known name.
    ToolError
        If ``module`` of a platform class is not installed.
    """
    text = str(board)
    known = known_boards()
    if text in known:
        return read_board_file(known[text] / "board.toml")
    path = Path(board)
    if path.is_dir() and (path / "board.toml").is_file():
        return read_board_file(path / "board.toml")
    if path.is_file():
        return read_board_file(path)
    if path.is_dir():
        raise SpecError(f"board {text!r}: the folder holds no board.toml")
    module, colon, cls = text.partition(":")
    if colon and cls.isidentifier() and all(p.isidentifier() for p in module.split(".")):
        return _from_platform(text)
    near = difflib.get_close_matches(text.lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise SpecError(
        f"board {text!r} is not known{hint} needs one of {', '.join(known)}, a folder with a "
        "board.toml, or module:PlatformClass of an Amaranth platform"
    )


def read_board_file(file: str | Path) -> Board:
    """Read and check one ``board.toml``.

    Raises
    ------
    SpecError
        If the file cannot be read or a key is unknown, missing or out of range.
    """
    path = Path(file)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"board file {str(path)!r}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"board file {str(path)!r}: not TOML: {error}") from None
    if raw.get("schema") != SCHEMA:
        raise SpecError(
            f"board file {str(path)!r}: schema = {raw.get('schema')!r}; this version reads "
            f"schema = {SCHEMA}"
        )
    try:
        parsed = _File.model_validate(raw)
    except ValidationError as error:
        raise SpecError(f"board file {str(path)!r}: {_first_error(error)}") from None
    return Board(
        name=parsed.name,
        title=parsed.title,
        platform=parsed.platform,
        device=find_device(parsed.device),
        clock=parsed.clock,
        uart=parsed.uart,
        led=parsed.led,
        hold=parsed.hold,
        options=parsed.options,
        programmer=parsed.programmer,
        folder=path.parent,
    )


def _first_error(error: ValidationError) -> str:
    """Put pydantic's first finding into one line that names the key and how to mend it."""
    # A misspelt key is also a missing one; the spelling is what the user wants to hear about.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        model: type[BaseModel] = _File
        for part in place[:-1]:
            model = _TABLES.get(part, model)
        names = [f.alias or n for n, f in model.model_fields.items()]
        near = difflib.get_close_matches(place[-1], names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(names)}"
        return f"unknown key {key!r}; {hint}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key} = {first['input']!r}: {message}"


def _platform_class(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise ToolError(
            f"platform {path!r}: cannot import {module!r} ({error}); no bitstream can be built. "
            "Get the boards with: pip install 'drai_hw[fpga]'"
        ) from None
    if cls is None:
        raise SpecError(f"platform {path!r}: module {module!r} has no class {name!r}")
    if not (isinstance(getattr(cls, "device", None), str) and hasattr(cls, "resources")):
        raise SpecError(f"platform {path!r} is not an Amaranth platform with a device")
    return cls


def _from_platform(path: str) -> Board:
    """Make a board of a bare platform class: its default clock, its ``uart``, its first LED."""
    cls = _platform_class(path)
    device = find_device(cls.device)
    named = {(r.name, r.number): r for r in cls.resources}
    default = named.get((cls.default_clk, 0))
    if default is None or default.clock is None:
        raise SpecError(
            f"platform {path!r}: its default clock {cls.default_clk!r} is not a clock pin; write "
            "a board.toml with a [clock] table and give its folder"
        )
    if ("uart", 0) not in named:
        raise SpecError(
            f"platform {path!r} has no `uart` resource; write a board.toml whose [uart] table "
            "names rx_pin and tx_pin, and give its folder"
        )
    ecp5 = device.family == "ecp5"
    return Board(
        name=path.partition(":")[2].lower(),
        title=path,
        platform=path,
        device=device,
        clock=Clock(resource=cls.default_clk, oscillator_hz=default.clock.frequency),
        uart=Uart(resource="uart"),
        led=Led() if ("led", 0) in named else None,
        hold=(),
        options=Options(
            synth="" if ecp5 or not device.dsp else "-dsp",
            pnr="--router router2" if ecp5 else "",
            product="mul" if ecp5 else "logic",
        ),
        programmer=None,
        folder=None,
    )
