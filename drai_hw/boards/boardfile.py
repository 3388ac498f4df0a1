"""Board files: ``board.toml`` read, checked and turned into one object the flow builds for."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drai_hw.boards.boardschema import (
    BoardFile,
    Clock,
    Hold,
    Led,
    Options,
    Sdram,
    Uart,
    first_error,
)
from drai_hw.boards.devices import Device, device_name, find_device
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.platforms import (
    describe,
    find_platform,
    is_platform,
    missing_text,
    source_file,
)
from drai_hw.boards.pll import Pll, plan_pll
from drai_hw.errors import SpecError
from drai_hw.files import given_text

SCHEMA = 1
DEFAULT_BOARD = "ulx3s-85f"


@dataclass(frozen=True)
class ClockPlan:
    """The system clock of a build: straight from the oscillator, or through a PLL."""

    source_hz: float
    output_hz: float
    pll: Pll | None


@dataclass(frozen=True)
class Board:
    """One board: its device, clock, wires to the host, and tool options.

    `load_board` makes it; ``folder`` is None when it stands for a bare platform class. In
    ``options`` nothing is absent any more.
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
    sdram: Sdram | None = None

    @property
    def product(self) -> str:
        """Form of the lanes' product: ``"mul"`` or ``"logic"``."""
        assert self.options.product is not None
        return self.options.product

    @property
    def oscillator_hz(self) -> float:
        """Frequency at the clock's pin.

        Raises
        ------
        SpecError
            If the platform has no such clock resource.
        """
        if self.clock.oscillator_hz is not None:
            return self.clock.oscillator_hz
        return self._clock_resource_hz(self.platform_class())

    def description(self) -> dict[str, Any]:
        """Return all that decides a build on this board, as plain values."""
        file = source_file(self.platform, self.folder)
        return {
            "platform": self.platform,
            "platform_file": None if file is None else file.read_text(encoding="utf-8"),
            "device": self.device.name,
            "clock": self.clock.model_dump(),
            "uart": self.uart.model_dump(),
            "led": self.led and self.led.model_dump(),
            "hold": [hold.model_dump() for hold in self.hold],
            "options": self.options.model_dump(),
            **({"sdram": self.sdram.model_dump()} if self.sdram else {}),
        }

    @property
    def family(self) -> str:
        """Device family, a key of `drai_hw.boards.families.FAMILIES`."""
        return self.device.family

    @property
    def system_hz(self) -> float:
        """Clock the board file asks for, before the PLL's rounding."""
        return self.clock.pll_hz or self.oscillator_hz

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
        source_hz = self.oscillator_hz
        if wanted_hz == source_hz:
            return ClockPlan(source_hz, source_hz, None)
        pll = plan_pll(self.family, self.device.name, source_hz, wanted_hz)
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
        cls = find_platform(self.platform, self.folder)
        if device_name(cls) != self.device.name:
            raise SpecError(
                f"board {self.name!r}: platform {self.platform!r} is for device "
                f"{device_name(cls)!r}, the board file says {self.device.name!r}; "
                "make the two agree"
            )
        if self.sdram is not None and self.sdram.resource not in {r.name for r in cls.resources}:
            raise SpecError(
                f"board {self.name!r}: platform {self.platform!r} has no resource "
                f"{self.sdram.resource!r} for sdram.resource; weights in SDRAM need a board with "
                "one, such as ulx3s-85f, or leave the setting out"
            )
        if self.clock.resource is not None:
            told_hz = self._clock_resource_hz(cls)
            if self.clock.oscillator_hz not in (None, told_hz):
                raise SpecError(
                    f"board {self.name!r}: clock.oscillator_hz = {self.clock.oscillator_hz:g}, but "
                    f"platform {self.platform!r} gives {told_hz:g} Hz to {self.clock.resource!r}; "
                    "make the two agree"
                )
        return cls

    def _clock_resource_hz(self, cls: Any) -> float:
        clocks = {r.name: r.clock.frequency for r in cls.resources if r.clock and r.number == 0}
        if self.clock.resource not in clocks:
            has = ", ".join(clocks) or "none"
            raise SpecError(
                f"board {self.name!r}: platform {self.platform!r} has no clock "
                f"{self.clock.resource!r} (its clocks: {has}); name one, or give clock.pin and "
                "clock.oscillator_hz"
            )
        return float(clocks[self.clock.resource])


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
        ``module:PlatformClass`` of an Amaranth platform. After any of them, settings: keys of a
        board file with their values, each after a comma, such as ``,clock.pll_hz=50e6``.

    Raises
    ------
    SpecError
        If there is no such board or its file is not acceptable; with the nearest known name.
    ToolError
        If ``module`` of a platform class is not installed.
    """
    text, settings = _split(str(board))
    known = known_boards()
    path = Path(text)
    if text in known:
        file = known[text] / "board.toml"
    elif path.is_dir():
        file = path / "board.toml"
        if not file.is_file():
            raise SpecError(f"board {text!r}: the folder holds no board.toml")
    elif path.is_file():
        file = path
    elif is_platform(text):
        return _from_platform(text, settings)
    else:
        near = difflib.get_close_matches(text.lower(), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        raise SpecError(
            f"board {text!r} is not known{hint} needs one of {', '.join(known)}, a folder with a "
            "board.toml, or module:PlatformClass of an Amaranth platform"
        )
    return read_board_file(file, settings)


def _split(board: str) -> tuple[str, dict[str, str]]:
    """Split ``board,key=value,...`` into the board and its settings."""
    found = re.fullmatch(r"(.*?)((?:,[\w.]+=[^,]*)*)", board)
    assert found is not None
    pairs = [pair.partition("=") for pair in found[2].split(",")[1:]]
    return found[1], {key: value for key, _, value in pairs}


def _with(raw: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    """Put settings into the content of a board file; a value that is no TOML is a string."""
    for key, text in settings.items():
        *tables, last = key.split(".")
        inner = raw
        for table in tables:
            inner = inner.setdefault(table, {})
            if not isinstance(inner, dict):
                raise SpecError(f"board setting {key!r}: {table!r} is not a table")
        try:
            inner[last] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            inner[last] = text
        # One way to name a thing replaces the other.
        for one, others in (("resource", _PINS), *((pin, ("resource",)) for pin in _PINS)):
            if last == one and tables in (["clock"], ["uart"]):
                for other in others:
                    if f"{tables[0]}.{other}" not in settings:
                        inner.pop(other, None)
    return raw


_PINS = ("pin", "rx_pin", "tx_pin")


def read_board_file(file: str | Path, settings: dict[str, str] | None = None) -> Board:
    """Read and check one ``board.toml``.

    Parameters
    ----------
    file : str or Path
        The file.
    settings : dict, optional
        Keys of it, dotted, with texts that take the place of what it says.

    Raises
    ------
    SpecError
        If the file cannot be read or a key is unknown, missing or out of range.
    """
    path = Path(file)
    try:
        raw = tomllib.loads(
            given_text(path, "board file", "a board.toml as docs/how-to/add-a-board.md has it")
        )
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"board file {str(path)!r}: not TOML: {error}") from None
    if raw.get("schema") != SCHEMA:
        raise SpecError(
            f"board file {str(path)!r}: schema = {raw.get('schema')!r}; this version reads "
            f"schema = {SCHEMA}"
        )
    return _checked(_with(raw, settings or {}), f"board file {str(path)!r}", path.parent)


def _from_platform(path: str, settings: dict[str, str]) -> Board:
    """Make a board of a platform class and settings."""
    raw = _with(describe(path), settings)
    missing = missing_text(raw)
    if missing is not None:
        raise SpecError(missing)
    return _checked(raw, f"board {path!r}", None)


def _checked(raw: dict[str, Any], label: str, folder: Path | None) -> Board:
    try:
        parsed = BoardFile.model_validate(raw)
    except ValidationError as error:
        raise SpecError(f"{label}: {first_error(error)}") from None
    device = find_device(parsed.device)
    family = FAMILIES[device.family]
    usual = {"synth": device.synth, "pnr": family.pnr, "product": family.product}
    given = parsed.options.model_dump(exclude_none=True)
    return Board(
        name=parsed.name,
        title=parsed.title,
        platform=parsed.platform,
        device=device,
        clock=parsed.clock,
        uart=parsed.uart,
        led=parsed.led,
        hold=parsed.hold,
        options=Options(**{**usual, **given}),
        programmer=parsed.programmer,
        folder=folder,
        sdram=parsed.sdram,
    )
