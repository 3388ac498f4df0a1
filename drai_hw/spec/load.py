"""Reading network files, with one clear message for whatever is wrong in them."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from drai_hw.errors import SpecError
from drai_hw.files import given_text
from drai_hw.spec import parts
from drai_hw.spec.schema import SCHEMA_VERSION, Spec


def parse(text: str, source: str = "network file") -> Spec:
    """Return the validated network of a TOML text.

    Parameters
    ----------
    text : str
        Contents of a network file.
    source : str
        Its name, for messages.

    Raises
    ------
    SpecError
        Naming the key, what was given, what is needed with its unit, and the nearest known key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{source}: not valid TOML: {error}") from None
    return validate(data, source)


def read(path: Path) -> Spec:
    """Return the validated network of a file; pattern paths in it stay relative to the file."""
    text = given_text(path, "network file", "a TOML file, `drai-hw new DIR` writes one")
    return parse(text, str(path))


def validate(data: Mapping[str, Any], source: str = "network file") -> Spec:
    """Return the validated network of nested tables."""
    if "schema" not in data:
        raise SpecError(
            f"{source}: no `schema`; needs `schema = {SCHEMA_VERSION}` as its first line"
        )
    if data["schema"] != SCHEMA_VERSION:
        raise SpecError(
            f"{source}: schema = {data['schema']!r} is not known; this version reads "
            f"schema = {SCHEMA_VERSION}"
        )
    try:
        return Spec.model_validate(data)
    except ValidationError as error:
        problems = list(dict.fromkeys(_describe(detail, data) for detail in error.errors()))
        if len(problems) == 1:
            raise SpecError(f"{source}: {problems[0]}") from None
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise SpecError(f"{source}: {len(problems)} faults:{listed}") from None


def _describe(detail: ErrorDetails, data: Mapping[str, Any]) -> str:
    """Put one validation fault into words: given, needed, how to mend."""
    path = [part for part in detail["loc"] if isinstance(part, str) and "[" not in part]
    # Pydantic adds the tried type of a union to the path; a key of ours is never one of those.
    while len(path) > 1 and _field(path) is None and detail["type"] != "extra_forbidden":
        path.pop()
    name = ".".join(path) or "network file"
    given = _value(path, data)
    if detail["type"] == "extra_forbidden":
        model = _model(path[:-1])
        known = list(model.model_fields) if model else []
        close = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(known)}"
        return f"unknown key `{name}`; {hint}"
    if detail["type"] == "missing":
        return f"`{name}` is missing{_needs(path)}"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return f"{name} = {given!r}{_needs(path) or ': ' + detail['msg']}"


def _model(path: list[str]) -> type[BaseModel] | None:
    model: type[BaseModel] = Spec
    for part in path:
        field = model.model_fields.get(part)
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            return None
        model = field.annotation
    return model


def _field(path: list[str]) -> Any:
    model = _model(path[:-1])
    return model.model_fields.get(path[-1]) if model and path else None


def _value(path: list[str], data: Any) -> Any:
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return None
        data = data[part]
    return data


def _needs(path: list[str]) -> str:
    """Say which type, range and unit a key needs, from the schema."""
    field = _field(path)
    if field is None:
        return ""
    return f": needs {describe_range(field.annotation, field.metadata, unit_of(field))}"


def unit_of(field: Any) -> str:
    """Return the unit that the schema gives a key, or nothing."""
    extra = field.json_schema_extra
    return extra.get("unit", "") if isinstance(extra, dict) else ""


def describe_range(annotation: Any, metadata: list[Any], unit: str) -> str:
    """Describe a key's type and range, e.g. ``a number above 0 up to 1 rad``."""
    text = str(annotation)
    bounds = _bounds(metadata)
    for argument in getattr(annotation, "__args__", ()):
        bounds |= _bounds(_unpack(argument))
    if "Literal" in text:
        own = " or 'module:Class'" if repr(parts.IMPORTED)[1:-1] in text else ""
        return "one of " + ", ".join(repr(value) for value in _literals(annotation)) + own
    what = "a list" if "tuple" in text else "a number" if "float" in text else "a whole number"
    if "dict" in text:
        return "an inline table of " + ("tables" if text.count("dict") > 1 else "numbers")
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a table [{annotation.__name__.lower()}]"
    if "str" in text or annotation is str:
        what = "a text or a list" if "tuple" in text else "a text"
        if "pattern" in bounds:
            what += f" matching {bounds['pattern']}"
    low = (
        f" from {bounds['ge']}"
        if "ge" in bounds
        else f" above {bounds['gt']}"
        if "gt" in bounds
        else ""
    )
    high = (
        f" to {bounds['le']}"
        if "le" in bounds
        else f" below {bounds['lt']}"
        if "lt" in bounds
        else ""
    )
    return f"{what}{low}{high}{' ' + unit if unit else ''}"


def _literals(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for argument in getattr(annotation, "__args__", ()):
        if hasattr(argument, "__args__"):
            found += _literals(argument)
        elif argument is not Ellipsis and not isinstance(argument, type):
            found.append(argument)
    return found


def _unpack(argument: Any) -> list[Any]:
    """List the limits that stand inside ``Annotated[...]``, as of an optional key."""
    found = getattr(argument, "__metadata__", ())
    return [item for meta in found for item in getattr(meta, "metadata", [meta])]


def _bounds(metadata: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for item in metadata or ():
        for name in ("ge", "gt", "le", "lt", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                out[name] = value
    return out
