"""`drai-hw new`: a network file to start from."""

from __future__ import annotations

import os
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
    from drai_hw.files import write_whole
    from drai_hw.spec import parse, template

    spec = parse(catalog.text(design), f"design {design!r}")
    directory = Path(folder)
    name = re.sub(r"[^a-z0-9_-]+", "-", directory.resolve().name.lower()).strip("-_")[:40]
    if re.match("[a-z]", name):
        spec = with_overrides(spec, {"network": {"name": name}})
    path = directory / FILE_NAME
    taken = path if os.path.lexists(path) else directory
    if taken is path or (directory.exists() and not directory.is_dir()):
        raise SpecError(
            f"{str(taken)!r} exists and is not overwritten; choose another DIR, or move it away"
        )
    write_whole(path, template(spec), elsewhere="another DIR")
    if as_json:
        click.echo(json_text({"path": str(path)}))
    else:
        click.echo(f"{path}\nRun it: drai-hw build {path}")
    return 0
