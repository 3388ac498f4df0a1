"""Hardware co-design for oscillator networks that learn (Dynamic Resonance AI)."""

from __future__ import annotations

# The command line takes Ctrl-C when this is read, not before: `typing` alone takes a while.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from drai_hw.api import Learned, Network, Recalled, Run, corrupt, load, patterns
    from drai_hw.errors import DraiError

__version__ = "0.1.0"
__all__ = [
    "DraiError",
    "Learned",
    "Network",
    "Recalled",
    "Run",
    "corrupt",
    "load",
    "patterns",
]


def __getattr__(name: str) -> Any:
    """Import the Python interface when it is first used: the command line starts without it."""
    if name in __all__:
        import importlib

        where = "drai_hw.errors" if name == "DraiError" else "drai_hw.api"
        return getattr(importlib.import_module(where), name)
    raise AttributeError(f"module 'drai_hw' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
