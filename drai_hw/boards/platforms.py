"""Amaranth platform classes: finding one, and what of a board file it already tells."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

from drai_hw.boards.devices import device_name, find_device
from drai_hw.errors import SpecError, ToolError

PATTERN = r"[\w./\\ -]+:[A-Za-z_]\w*"
"""``module:Class``, or ``file.py:Class``."""


def is_platform(text: str) -> bool:
    """Whether a text has the form of a platform's name."""
    module, colon, cls = text.rpartition(":")
    return bool(colon) and cls.isidentifier() and (_is_file(module) or _is_dotted(module))


def _is_file(module: str) -> bool:
    return module.endswith(".py")


def _is_dotted(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))


def source_file(path: str, folder: Path | None) -> Path | None:
    """Return the file of ``file.py:Class``, relative to ``folder``; None for a module."""
    module = path.rpartition(":")[0]
    if not _is_file(module):
        return None
    return (folder or Path()) / module


def find_platform(path: str, folder: Path | None = None) -> Any:
    """Import an Amaranth platform class.

    Parameters
    ----------
    path : str
        ``module:Class``, or ``file.py:Class`` with the file relative to ``folder``.
    folder : Path, optional
        Folder of the board file; the working directory by default.

    Raises
    ------
    ToolError
        If the module cannot be imported.
    SpecError
        If it has no such class, or one that is no Amaranth platform with a device.
    """
    module, _, name = path.rpartition(":")
    file = source_file(path, folder)
    try:
        found = importlib.import_module(module) if file is None else _run_file(path, file)
    except ImportError as error:
        raise ToolError(
            f"platform {path!r}: cannot import {module!r} ({error}); no bitstream can be built. "
            "Get the boards with: pip install 'drai_hw[fpga]'"
        ) from None
    cls = getattr(found, name, None)
    if cls is None:
        raise SpecError(f"platform {path!r}: module {module!r} has no class {name!r}")
    if not isinstance(cls, type) or device_name(cls) is None or not hasattr(cls, "resources"):
        raise SpecError(f"platform {path!r} is not an Amaranth platform with a device")
    return cls


def _run_file(path: str, file: Path) -> Any:
    if not file.is_file():
        raise SpecError(f"platform {path!r}: file {str(file)!r} does not exist")
    name = "drai_hw_user_platform_" + re.sub(r"\W", "_", file.stem)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, NameError, TypeError) as error:
        raise SpecError(f"platform {path!r}: file {str(file)!r} does not run: {error}") from None
    return module


def describe(path: str) -> dict[str, Any]:
    """Return what a platform class tells of a board, under the keys of a board file.

    Its default clock if that is a clock pin, its resource ``uart`` and its first ``led``, where
    it has them; the device is in the device table.

    Raises
    ------
    SpecError, ToolError
        As `find_platform`, or if the device is unknown to the flow.
    """
    cls = find_platform(path)
    device = find_device(str(device_name(cls)))
    named = {(resource.name, resource.number): resource for resource in cls.resources}
    words = re.sub(r"[^a-z0-9]+", "-", path.rpartition(":")[2].lower()).strip("-")
    told: dict[str, Any] = {
        "schema": 1,
        "name": words,
        "title": path,
        "platform": path,
        "device": device.name,
    }
    clock = named.get((cls.default_clk, 0))
    if clock is not None and clock.clock is not None:
        told["clock"] = {"resource": cls.default_clk, "oscillator_hz": clock.clock.frequency}
    if ("uart", 0) in named:
        told["uart"] = {"resource": "uart"}
    if ("led", 0) in named:
        told["led"] = {"resource": "led"}
    return told


def missing_text(told: dict[str, Any]) -> str | None:
    """Say what a platform class and the user's settings leave open, and what to give; or None.

    Parameters
    ----------
    told : dict
        From `describe`, with the user's settings in it.
    """
    cls = find_platform(told["platform"])
    open_ends = []
    if not {"resource", "pin"} & set(told.get("clock", {})):
        pins = [f"{r.name} at {r.clock.frequency / 1e6:g} MHz" for r in cls.resources if r.clock]
        offer = f" (it has {', '.join(pins)})" if pins else ""
        open_ends.append(
            f"its default clock {cls.default_clk!r} is not a clock pin: give "
            f"clock.resource=NAME{offer}, or clock.pin=PIN and clock.oscillator_hz=HZ"
        )
    if not {"resource", "rx_pin", "tx_pin"} & set(told.get("uart", {})):
        plugs = [f"{c.name}_{c.number}:{next(iter(c.mapping), 1)}" for c in cls.connectors]
        offer = f" (a pin's name, or one of a connector, such as {plugs[0]})" if plugs else ""
        open_ends.append(
            "it has no `uart` resource: give uart.resource=NAME, or uart.rx_pin=PIN and "
            f"uart.tx_pin=PIN for a serial adapter{offer}"
        )
    if not open_ends:
        return None
    return (
        f"platform {told['platform']!r} does not tell all that a board needs: "
        f"{'; '.join(open_ends)}. Append such settings to --board, each after a comma, or write "
        "them into a board.toml and give its folder"
    )
