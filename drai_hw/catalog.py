"""Named designs that come with the toolkit, each a network file a user can copy."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from drai_hw.errors import SpecError
from drai_hw.spec import Spec, parse, read

_FOLDER = resources.files("drai_hw") / "designs"


def names() -> list[str]:
    """Return the names of all catalog designs, sorted."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    )


def text(name: str) -> str:
    """Return the network file of a catalog design."""
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise SpecError(
            f"design {name!r} is not in the catalog ({', '.join(names())}){hint}; "
            "a network file of your own is given by its path, ending in .toml"
        )
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def find(reference: str) -> tuple[Spec, Path | None]:
    """Return the network of a catalog name or path, and the folder of its relative paths.

    A folder stands for the ``network.toml`` in it; a catalog name wins over a folder so called.
    """
    path = Path(reference)
    folder = path.is_dir() and reference not in names()
    if folder or reference.endswith(".toml") or "/" in reference:
        path = path / "network.toml" if path.is_dir() else path
        return read(path), path.parent
    return parse(text(reference), f"design {reference!r}"), None
