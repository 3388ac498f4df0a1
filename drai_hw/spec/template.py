"""Writing commented network files and the reference of their keys, from the schema."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from drai_hw.spec.load import describe_range, unit_of
from drai_hw.spec.schema import SCHEMA_VERSION, Spec


def template(spec: Spec) -> str:
    """Return the network as a commented TOML file: every key, its meaning, unit, range.

    Keys at their default are commented out, so that the file shows what is particular about the
    network and still lists all that can be set.
    """
    lines = [
        "# A network of coupled oscillators, as drai_hw reads it. Lines with `#` before a key show",
        "# its default; `drai-hw build` on this file runs the whole chain.",
        f"schema = {SCHEMA_VERSION}",
    ]
    for name in Spec.model_fields:
        if name == "schema_version":
            continue
        section = getattr(spec, name)
        lines += ["", f"[{name}]  # {type(section).__doc__}"]
        for key, info in type(section).model_fields.items():
            value = getattr(section, key)
            required = info.is_required()
            default = None if required else info.default
            needs = describe_range(info.annotation, info.metadata, unit_of(info))
            lines.append(f"# {info.description} ({needs})")
            shown = value if value is not None else _example(info)
            given = required or value != default
            lines.append(f"{'' if given else '# '}{key} = {toml_value(shown)}")
    return "\n".join(lines) + "\n"


def _example(info: Any) -> Any:
    """Show a key without default by an example or the low end of its range."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    if "example" in extra:
        return extra["example"]
    return next((m.ge for m in info.metadata if hasattr(m, "ge")), 5)


def toml_value(value: Any) -> str:
    """Write one value in TOML's notation."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{name} = {toml_value(item)}" for name, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def reference() -> str:
    """Return the reference page of all keys as Markdown."""
    lines = [
        "# The network file",
        "",
        f"TOML, `schema = {SCHEMA_VERSION}` in its first line; unknown keys are refused. This page",
        "is made from the schema by `python -m drai_hw.spec`; do not edit it.",
    ]
    for name, field in Spec.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        lines += [
            "",
            f"## [{name}]",
            "",
            str(model.__doc__),
            "",
            "| key | default | needs | meaning |",
        ]
        lines += ["|---|---|---|---|"]
        for key, info in model.model_fields.items():
            needs = describe_range(info.annotation, info.metadata, unit_of(info))
            default = (
                "required"
                if info.is_required()
                else ""
                if info.default is None
                else (f"`{toml_value(info.default)}`")
            )
            text = [f"`{key}`", default, needs, str(info.description)]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in text) + " |")
    return "\n".join(lines) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the network file, for editors."""
    return Spec.model_json_schema(by_alias=True)
