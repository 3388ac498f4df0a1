"""`drai-hw bench`: times against peers and against the machine's limit."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click

from drai_hw.cli.common import clean_stdout, json_option, json_text
from drai_hw.errors import SpecError

SUBJECTS = {
    "model": "drai_hw.bench.models",
    "twin": "drai_hw.bench.twins",
    "events": "drai_hw.bench.events",
    "rtl": "drai_hw.bench.rtl",
}


@click.command("bench")
@click.argument(
    "subjects", nargs=-1, type=click.Choice(list(SUBJECTS)), metavar="[model|twin|events|rtl]..."
)
@click.option(
    "--n",
    "sizes",
    type=click.IntRange(2, 16384),
    multiple=True,
    metavar="N",
    help="Number of oscillators; may be given several times.  "
    "[default: 256, 1024, 4096, 8192 for model; 35, 256, 1024 for twin; "
    "256, 1024, 4096 for events; 35 for rtl]",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Times every entry is measured; medians are shown.",
)
@click.option(
    "--markdown",
    "as_markdown",
    is_flag=True,
    help="Tables in Markdown, with the machine, the versions and the date.",
)
@json_option
def command(
    subjects: Sequence[str], sizes: Sequence[int], rounds: int, as_markdown: bool, as_json: bool
) -> int:
    """
    Time the models side by side with peers and with the machine's limit, all in this run.

    One process, one thread, processor time; a ratio above 1 means that ours is faster. A row that
    could not run says why, and one of which something is asked says whether it is met. Without an
    argument: all of them.
    """
    if as_json and as_markdown:
        raise SpecError("--json and --markdown: standard output holds one of them; leave one out")
    with clean_stdout() as say:
        rows = measure(subjects or list(SUBJECTS), sizes, rounds)
        if as_json:
            say(json_text({"rows": rows}))
        elif as_markdown:
            from drai_hw.bench import markdown

            say(markdown.page(rows, _command_line(subjects, sizes, rounds), date.today()))
        else:
            say(table(rows))
    return 0


def _command_line(subjects: Sequence[str], sizes: Sequence[int], rounds: int) -> str:
    return " ".join(
        ("drai-hw bench", *subjects, *(f"--n {n}" for n in sizes), f"--rounds {rounds}")
    )


def measure(subjects: Sequence[str], sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return the rows of all subjects; says on standard error what is being timed."""
    from drai_hw.bench.timing import keep_to_one_thread

    keep_to_one_thread()  # before NumPy is loaded, or its library would not listen
    rows = []
    for subject in dict.fromkeys(subjects):
        module = importlib.import_module(SUBJECTS[subject])
        for n in dict.fromkeys(sizes or module.SIZES):
            click.echo(f"bench: {subject}, N = {n} ...", err=True)
            for row in module.rows(n, rounds):
                rows.append(row.to_json())
                if not row.reason:
                    what = f"{row.task}, {row.precision}, against {row.against}"
                    click.echo(f"bench: {what}: {row.ratio:.3g}", err=True)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a table for people."""
    head = ("task", "N", "precision", "ours", "theirs", "ratio", "asked for", "against")
    lines = [head]
    for row in rows:
        figures = (
            ("", "", "not run")
            if row["reason"]
            else (f"{row['ours']:.3g}", f"{row['theirs']:.3g}", f"{row['ratio']:.3g}")
        )
        against = row["against"] + (f": {row['reason']}" if row["reason"] else "")
        verdict = {True: "met", False: "MISSED", None: "not known"}[row["met"]]
        asked = f"{row['target']}: {verdict}" if row["target"] else ""
        lines.append((row["task"], str(row["n"]), row["precision"], *figures, asked, against))
    widths = [max(len(line[k]) for line in lines) for k in range(len(head) - 1)]
    texts = [
        "  ".join((*(cell.ljust(w) for cell, w in zip(line, widths, strict=False)), line[-1]))
        for line in lines
    ]
    units = sorted({str(row["unit"]) for row in rows})
    return "\n".join([*texts, "", f"ours, theirs: {', '.join(units)}; ratio = theirs / ours"])
