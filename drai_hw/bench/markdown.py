"""The rows of one run as Markdown tables, with the machine and the command that made them."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FEATURES = (
    *("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vbmi", "avx512vnni"),
    *("neon", "sve", "vsx"),
)
"""What decides how long vectors are; the many others make no difference here."""

PACKAGES = ("numpy", "numba")
VERDICTS = {True: "met", False: "**missed**", None: "not known"}
_PRECISION = re.compile(r" \((float32|float64|integer)\)$")


def machine() -> str:
    """Return the processor's family and features and the libraries: no name of a host."""
    try:
        from llvmlite import binding
    except ModuleNotFoundError:
        processor, features = platform.machine(), "features not known without llvmlite"
    else:
        found = binding.get_host_cpu_features()
        features = " ".join(name for name in FEATURES if found.get(name))
        processor = f"{platform.machine()}, family {binding.get_host_cpu_name()}"
    versions = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    return f"{processor} ({features}); {', '.join(versions)}{_blas()}"


def _blas() -> str:
    """Return which loops NumPy's matrix library has chosen."""
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return ""
    kinds = {
        f"{each['internal_api']} for {each['architecture']}"
        for each in threadpool_info()
        if each.get("architecture")
    }
    return "".join(f", {kind}" for kind in sorted(kinds))


def page(rows: Sequence[Mapping[str, Any]], command: str, day: datetime.date) -> str:
    """Return the whole run: what was run, on what, how it came out, and every row.

    Parameters
    ----------
    rows : sequence of mapping
        Rows as `drai_hw.bench.timing.Row.to_json` gives them.
    command : str
        The command line.
    day : date
        Day of the run.
    """
    return "\n\n".join(
        (f"`{command}`, {day.isoformat()}, on {machine()}.", verdict(rows), *tables(rows), "")
    )


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many rows met what is asked of them, and list those that did not."""
    asked = [row for row in rows if row["target"]]
    unknown = [row for row in asked if row["met"] is None]
    missed = [row for row in asked if row["met"] is False]
    lines = [
        f"Something is asked of {len(asked)} rows: {len(asked) - len(unknown) - len(missed)} met, "
        f"{len(missed)} missed, {len(unknown)} not known."
    ]
    if missed:
        lines.append("")
    for row in missed:
        lines.append(
            f"- missed: {row['task']}, N = {row['n']}, {row['precision']}, against "
            f"{row['against']}: ours {_figure(row['ours'])}, theirs {_figure(row['theirs'])}, "
            f"ratio {_figure(row['ratio'])}; asked for {row['target']}"
        )
    return "\n".join(lines)


def tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the tables: a line for each form of ours, a column for each thing it is compared with.

    A cell holds the ratio theirs / ours, with their figure in brackets; where something is asked of
    the comparison, what it is and whether it was met.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["task"].partition(": ")[0], row["unit"]), []).append(row)
    merged: dict[tuple[tuple[str, ...], str], list[Mapping[str, Any]]] = {}
    for (_, unit), members in groups.items():
        columns = tuple(dict.fromkeys(_columns(members)))
        merged.setdefault((columns, unit), []).extend(members)
    return ["\n".join(_table(unit, part)) for (_, unit), part in merged.items()]


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the column of each row: what it is compared with.

    Without precision where that is the line's own: where a name occurs in several.
    """
    kinds: dict[str, set[str]] = {}
    for row in rows:
        kinds.setdefault(_PRECISION.sub("", row["against"]), set()).add(row["against"])
    names = {full: name for name, found in kinds.items() if len(found) > 1 for full in found}
    return [names.get(row["against"], row["against"]) for row in rows]


def _table(unit: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    columns = _columns(rows)
    for row, column in zip(rows, columns, strict=True):
        key = (str(row["n"]), row["task"], row["precision"], _figure(row["ours"]))
        lines.setdefault(key, {})[column] = _cell(row)
    order = tuple(dict.fromkeys(columns))
    yield _line(("N", "what", "type", f"ours, {unit}", *order))
    yield _line(("--:", "---", "---", "--:", *("---" for _ in order)))
    for start, cells in lines.items():
        yield _line((*start, *(cells.get(name, "") for name in order)))


def _cell(row: Mapping[str, Any]) -> str:
    if row["reason"]:
        ran = row["ours"] is not None and row["theirs"] is not None
        return str(row["reason"]) if ran else f"not run: {row['reason']}"
    text = f"{_figure(row['ratio'])} ({_figure(row['theirs'])})"
    if row["target"]:
        text += f"; {row['target']}: {VERDICTS[row['met']]}"
    return text


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
