"""Words that several stages say alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def first_text(first: Mapping[str, Any] | None) -> str:
    """Return the first mismatch as words: where, what was expected, what came."""
    if first is None:
        return "none"
    return (
        f"step {first['step']}, {first['what']} {first['index']}: expected {first['expected']}, "
        f"got {first['got']}"
    )
