"""Tables and keys of a board file, checked by pydantic."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drai_hw.boards.platforms import PATTERN


class _Part(BaseModel):
    # Pins may be written as numbers.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Clock(_Part):
    """Where the system clock comes from.

    ``oscillator_hz`` is what the crystal gives at the resource ``resource`` of the platform, which
    knows it already, or at the pin ``pin``; with ``pll_hz`` the device's PLL makes the system
    clock from it, otherwise it is the system clock itself.
    """

    resource: str | None = None
    pin: str | None = None
    io_attributes: dict[str, str | int | bool] = {}
    oscillator_hz: float | None = Field(default=None, gt=0)
    pll_hz: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_source(self) -> Clock:
        if (self.resource is None) == (self.pin is None):
            raise ValueError("give either `resource` or `pin`")
        if self.pin is not None and self.oscillator_hz is None:
            raise ValueError("give `oscillator_hz` beside `pin`")
        return self


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


class Sdram(_Part):
    """An SDRAM that takes the weights which find no room on the chip; off unless it is named."""

    resource: str = "sdram"


class Hold(_Part):
    """A pin that must rest at a level, whatever the design does, with the reason."""

    pin: str
    level: Literal[0, 1]
    reason: str
    io_attributes: dict[str, str | int | bool] = {}


class Options(_Part):
    """Options for the tools, and the form of the lanes' product; absent ones suit the device."""

    synth: str | None = None
    pnr: str | None = None
    product: Literal["mul", "logic"] | None = None


class BoardFile(_Part):
    """The whole file."""

    schema_: int = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    platform: str = Field(pattern=f"^{PATTERN}$")
    device: str
    programmer: str | None = None
    clock: Clock
    uart: Uart
    led: Led | None = None
    sdram: Sdram | None = None
    hold: tuple[Hold, ...] = ()
    options: Options = Options()


_TABLES: dict[str, type[BaseModel]] = {
    "clock": Clock,
    "uart": Uart,
    "led": Led,
    "sdram": Sdram,
    "hold": Hold,
    "options": Options,
}


def first_error(error: ValidationError) -> str:
    """Put pydantic's first finding into one line that names the key and how to mend it."""
    # A misspelt key is also a missing one; the spelling is what the user wants to hear about.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        model: type[BaseModel] = BoardFile
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
