"""What all tables of the network file share: how a key is declared, and that others are refused."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def key(default: Any, text: str, *, unit: str = "", example: Any = None, **limits: Any) -> Any:
    """Declare one key: default, sentence, unit and range."""
    extra: dict[str, Any] = {"unit": unit}
    if example is not None:
        extra["example"] = example
    return Field(default, description=text, json_schema_extra=extra, **limits)


class Section(BaseModel):
    """Common behaviour of all tables of the network file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)
