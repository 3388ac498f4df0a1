"""Names of the exchangeable parts of the learning rule: one class in one file each."""

from __future__ import annotations

from functools import cache
from importlib import resources

IMPORTED = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"  # "module:Class", a part of the user's own


@cache
def names(folder: str) -> tuple[str, ...]:
    """Return the names of all parts in a folder of the model: its files, ``_`` written as ``-``.

    Nothing is imported for that, so that a network file can be checked without the model.

    Parameters
    ----------
    folder : str
        ``"g"``, ``"gates"`` or ``"stabilisers"``.
    """
    files = (entry.name for entry in (resources.files("drai_hw") / "model" / folder).iterdir())
    parts = (name.removesuffix(".py") for name in files if name.endswith(".py"))
    return tuple(sorted(p.replace("_", "-") for p in parts if p not in ("__init__", "base")))
