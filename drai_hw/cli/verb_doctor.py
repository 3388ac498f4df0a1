"""`drai-hw doctor`: what is installed."""

from __future__ import annotations

import click

from drai_hw.cli.common import clean_stdout, json_option, json_text


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """
    List every tool: found, version, source, what is lost without it and how to get it.

    Exit status 1 when a required tool is missing.
    """
    from drai_hw import doctor

    with clean_stdout() as say:
        tools = doctor.survey()
        if as_json:
            say(json_text(doctor.to_json(tools)))
    if not as_json:
        doctor.render(tools)
    return 0 if all(tool.found for tool in tools if tool.required) else 1
