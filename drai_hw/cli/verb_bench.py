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
    "replicas": "drai_hw.bench.replicas",
    "events": "drai_hw.bench.events",
    "rtl": "drai_hw.bench.rtl",
    "crossbar": "drai_hw.bench.crossbars",
    "solve": "drai_hw.bench.solve",
}
LONG = ("solve",)
"""Only measured if asked for: it takes hours."""


@click.command("bench")
@click.argument(
    "subjects",
    nargs=-1,
    type=click.Choice(list(SUBJECTS)),
    metavar="[model|twin|replicas|events|rtl|crossbar|solve]...",
)
@click.option(
    "--n",
    "sizes",
    type=click.IntRange(2, 16384),
    multiple=True,
    metavar="N",
    help="Number of oscillators; may be given several times.  "
    "[default: 256, 1024, 4096, 8192 for model; 35, 256, 1024 for twin; "
    "800, 2000 for replicas and solve; 256, 1024, 4096 for events; 35 for rtl; "
    "32, 128, 256 for crossbar (rows and columns)]",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Times every entry is measured; medians are shown. Means nothing to solve.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    metavar="S",
    help="solve: processor time of ours for a graph; each peer has ten times as much.",
)
@click.option(
    "--graphs",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="solve: graphs of each family.",
)
@click.option(
    "--peer-python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="solve: another interpreter that has peers missing in this one (MQLib's wheels are for "
    "Python 3.6 to 3.8); may be given several times.",
)
@click.option(
    "--markdown",
    "as_markdown",
    is_flag=True,
    help="Tables in Markdown, with the machine, the versions and the date.",
)
@json_option
def command(
    subjects: Sequence[str],
    sizes: Sequence[int],
    rounds: int,
    seconds: float,
    graphs: int,
    pythons: Sequence[str],
    as_markdown: bool,
    as_json: bool,
) -> int:
    """
    Time the models side by side with peers and with the machine's limit, all in this run.

    One process, one thread, processor time; a ratio above 1 means that ours is faster, or for
    solve that ours finds the larger cut. A row that could not run says why, and one of which
    something is asked says whether it is met. Without an argument: all but solve, which takes
    hours.
    """
    if as_json and as_markdown:
        raise SpecError("--json and --markdown: standard output holds one of them; leave one out")
    with clean_stdout() as say:
        solve = {"seconds": seconds, "graphs": graphs, "pythons": pythons}
        chosen = subjects or [name for name in SUBJECTS if name not in LONG]
        rows = measure(chosen, sizes, rounds, solve)
        if as_json:
            say(json_text({"rows": rows}))
        elif as_markdown:
            from drai_hw.bench import markdown

            line = _command_line(subjects, sizes, rounds)
            if "solve" in chosen:
                line += f" --seconds {seconds:g} --graphs {graphs}"
            say(markdown.page(rows, line, date.today()))
        else:
            say(table(rows))
    return 0


def _command_line(subjects: Sequence[str], sizes: Sequence[int], rounds: int) -> str:
    return " ".join(
        ("drai-hw bench", *subjects, *(f"--n {n}" for n in sizes), f"--rounds {rounds}")
    )


def measure(
    subjects: Sequence[str],
    sizes: Sequence[int],
    rounds: int,
    solve: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of all subjects; says on standard error what is being timed.

    ``solve`` holds the arguments of `drai_hw.bench.solve.Plan`.
    """
    from drai_hw.bench.timing import keep_to_one_thread

    keep_to_one_thread()  # before NumPy is loaded, or its library would not listen
    rows = []
    for subject in dict.fromkeys(subjects):
        module = importlib.import_module(SUBJECTS[subject])
        for n in dict.fromkeys(sizes or module.SIZES):
            click.echo(f"bench: {subject}, N = {n} ...", err=True)
            more = (module.Plan(**(solve or {})),) if subject == "solve" else ()
            for row in module.rows(n, rounds, *more):
                rows.append(row.to_json())
                if not row.reason:
                    what = f"{row.task}, {row.precision}, against {row.against}"
                    figures = f"{row.ours:.0f} / {row.theirs:.0f}, " if row.unit == "cut" else ""
                    click.echo(f"bench: {what}: {figures}{row.ratio:.4g}", err=True)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a table for people."""
    head = ("task", "N", "precision", "ours", "theirs", "ratio", "asked for", "against")
    lines = [head]
    for row in rows:
        figures = (
            ("", "", "not run")
            if row["reason"]
            else (f"{row['ours']:.0f}", f"{row['theirs']:.0f}", f"{row['ratio']:.4f}")
            if row["unit"] == "cut"
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
    meaning = "ratio = ours / theirs" if units == ["cut"] else "ratio = theirs / ours"
    if len(units) > 1 and "cut" in units:
        meaning += ", of cuts ours / theirs"
    return "\n".join([*texts, "", f"ours, theirs: {', '.join(units)}; {meaning}"])
