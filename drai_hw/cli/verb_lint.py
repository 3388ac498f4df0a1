"""`drai-hw lint`: why ngspice won't take a netlist or subcircuit, and a mended copy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from drai_hw.cli.common import clean_stdout, json_option, json_text
from drai_hw.errors import SpecError, ToolError


@click.command("lint")
@click.argument("path", metavar="FILE")
@click.option("-o", "--output", metavar="FILE", help="Write the mended file.")
@click.option("--no-run", is_flag=True, help="Do not ask ngspice itself.")
@click.option(
    "--keep-state", is_flag=True, help="Refuse memristors that see 0.8 of their threshold or more."
)
@click.option(
    "--limits", "judge_limits", is_flag=True, help="Refuse devices beyond the file's *limit lines."
)
@json_option
def command(
    path: str, output: str | None, no_run: bool, keep_state: bool, judge_limits: bool, as_json: bool
) -> int:
    """
    Say why ngspice won't take FILE, and mend what can be mended.

    FILE is a netlist or a library of subcircuits, written for LTspice, PSpice, HSPICE or by hand.
    Each finding has its line and column. Exit status 1 while something is left: what only the
    author can mend, or everything if no mended file is written. With --keep-state the netlist's
    transient is run: no memristor of this project's models may see what could move its state. With
    --limits it is run, and no device may go beyond what comments like *limit R1 v_max=5 p_max=0.25
    declare.
    """
    if keep_state and no_run:
        raise SpecError("--keep-state with --no-run: needed is a run, to see voltages; give one")
    if judge_limits and no_run:
        raise SpecError("--limits with --no-run: needed is a run, to see voltages; give one")
    with clean_stdout() as say:
        result, status = _lint(
            Path(path), Path(output) if output else None, run=not no_run, keep_state=keep_state,
            judge_limits=judge_limits,
        )  # fmt: skip
        say(json_text(result) if as_json else _lines(path, result))
    return status


def _lint(
    path: Path, output: Path | None, *, run: bool, keep_state: bool, judge_limits: bool
) -> tuple[dict[str, Any], int]:
    from drai_hw.files import given_bytes, write_whole
    from drai_hw.spice.lint import Report, disturb, limits, lint, ngspice_says

    content = given_bytes(path, "netlist", "a text file, of a netlist or a subcircuit")
    if b"\0" in content:
        raise SpecError(f"cannot read netlist {str(path)!r}: it is binary; needs a text file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # LTspice's own encoding: every byte is a character
    report = lint(text, path.parent)
    for wanted, rule in ((keep_state, disturb), (judge_limits, limits)):
        if wanted:
            found = rule(report.text, path.parent)
            report = Report((*report.diagnoses, *found), report.text)
    result: dict[str, Any] = {
        "file": str(path),
        "line_count": len(text.splitlines()),
        "diagnoses": [asdict(each) for each in report.diagnoses],
        "mended": len(report.diagnoses) - len(report.open),
        "open": len(report.open),
        "output": str(output) if output else None,
        "ngspice": None,
    }
    if output is not None:
        write_whole(output, report.text)
    if run:
        try:
            given = ngspice_says(text, path.parent)
            mended = given if report.text == text else ngspice_says(report.text, path.parent)
            result["ngspice"] = {"given": given, "mended": mended}
        except ToolError as error:
            click.echo(f"drai-hw: warning: {error}", err=True)
    clean = not report.open and (output is not None or not report.diagnoses)
    taken = result["ngspice"] is None or result["ngspice"]["mended"] == ""
    return result, 0 if clean and taken else 1


def _lines(path: str, result: dict[str, Any]) -> str:
    lines = [
        f"{path}:{each['line']}:{each['column']}: {each['message']}"
        + ("" if each["mended"] else " [left to you]")
        for each in result["diagnoses"]
    ]
    said = result["ngspice"]
    if not lines:
        lines = ["nothing to mend" + ("; ngspice takes it" if said and not said["given"] else "")]
    else:
        lines.append(f"{result['mended']} mended, {result['open']} left to you")
    if said and said["given"]:
        lines.append(f"ngspice says of the given file: {said['given']}")
    if said and result["diagnoses"]:
        lines.append(f"ngspice says of the mended file: {said['mended'] or 'nothing, it takes it'}")
    if result["output"]:
        lines.append(result["output"])
    elif result["mended"]:
        lines.append("give -o FILE to write the mended file")
    return "\n".join(lines)
