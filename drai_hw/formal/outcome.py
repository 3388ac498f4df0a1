"""What a proof ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"


@dataclass(frozen=True)
class Outcome:
    """The end of a proof.

    Parameters
    ----------
    status : str
        `PROVED`, `REFUTED` or `UNKNOWN`.
    method : str
        How it was shown.
    scope : str
        For which sizes, states and inputs it holds.
    reason : str
        Why it is refuted or unknown.
    counterexample : dict, optional
        What happens that must not, in numbers.
    facts : dict
        Numbers that show the extent of the proof.
    """

    status: str
    method: str
    scope: str
    reason: str = ""
    counterexample: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "status": self.status,
            "method": self.method,
            "scope": self.scope,
            "reason": self.reason,
            "counterexample": self.counterexample,
            "facts": dict(self.facts),
        }


class UndecidedError(Exception):
    """A proof is neither done nor refuted; the text says why."""


class OutOfTimeError(UndecidedError):
    """The time limit is reached."""
