"""`drai-hw new`: a network file to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from drai_hw.cli.common import json_option, json_text, with_overrides
from drai_hw.errors import SpecError

FILE_NAME = "network.toml"


@click.command("new")
@click.argument("folder", metavar="DIR")
@click.option(
    "--design",
    default="letters",
    show_default=True,
    metavar="NAME",
    help="Catalog design that the file starts from.",
)
@json_option
def command(folder: str, design: str, as_json: bool) -> int:
    """
    Write DIR/network.toml: every key with its meaning, unit, range and default.

    A file that is already there is never overwritten.
    """
    from drai_hw import catalog
    from drai_hw.spec import parse, template

    spec = parse(catalog.text(design), f"design {design!r}")
    directory = Path(folder)
    name = re.sub(r"[^a-z0-9_-]+", "-", directory.resolve().name.lower()).strip("-_")[:40]
    if re.match("[a-z]", name):
        spec = with_overrides(spec, {"network": {"name": name}})
    path = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(template(spec))
    except FileExistsError:
        raise SpecError(
            f"{str(path if path.exists() else directory)!r} exists and is not overwritten; "
            "choose another DIR, or move it away"
        ) from None
    except OSError as error:
        raise SpecError(
            f"cannot write {str(path)!r}: {error.strerror}; choose another DIR"
        ) from None
    if as_json:
        click.echo(json_text({"path": str(path)}))
    else:
        click.echo(f"{path}\nRun it: drai-hw build {path}")
    return 0
