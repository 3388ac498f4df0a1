"""What the verbs share: their common options, reading SPEC, keeping standard output clean."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.spec import Spec

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Job:
    """
    A network, and where its results go.

    Parameters
    ----------
    spec:
        The network, with the overrides of the command line; patterns from files are in it as rows.
    outdir:
        Output directory.
    reference:
        SPEC as it was given.
    """

    spec: Spec
    outdir: Path
    reference: str


def spec_argument(function: F) -> F:
    """Add the argument SPEC."""
    return click.argument("reference", metavar="SPEC")(function)


def out_option(what: str, default: str = "build/<name>/") -> Callable[[F], F]:
    """Add ``-o``."""
    return click.option(
        "-o",
        "--output",
        "output",
        metavar="PATH",
        help=f"{what}  [default: {default}]",
    )


def seed_option(function: F) -> F:
    """Add ``--seed``."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        metavar="N",
        help="Seed of corruption, jitter and of the core's random streams, instead of task.seed.",
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="One JSON object on standard output; all else goes to standard error.",
    )(function)


def circuit_option(function: F) -> F:
    """Add ``--circuit``."""
    return click.option(
        "--circuit",
        type=click.Choice(["lc", "ring"]),
        help="lc: differential LC tanks; ring: CMOS ring oscillators.  "
        "[default: the network's, lc]",
    )(function)


def pnr_seed_option(function: F) -> F:
    """Add ``--pnr-seed``, which may be given several times."""
    return click.option(
        "--pnr-seed",
        "pnr_seeds",
        type=click.IntRange(0),
        multiple=True,
        metavar="N",
        help="Seed of place and route; several give the worst fmax of all.  [default: 1]",
    )(function)


def force_option(function: F) -> F:
    """Add ``--force``."""
    return click.option(
        "--force", is_flag=True, help="Do all stages again, also those whose inputs are unchanged."
    )(function)


def load_job(
    reference: str,
    output: str | None,
    seed: int | None = None,
    **overrides: Mapping[str, Any],
) -> Job:
    """
    Read SPEC and apply what the command line says against it.

    Patterns that lie in a file are read now and become rows of the network, so that every stage
    depends on what they are and not on where they were.

    Parameters
    ----------
    reference:
        Catalog name or path of a network file.
    output:
        Output directory, or None for ``build/<name>/``.
    seed:
        Instead of ``task.seed``.
    overrides:
        Keys by section, e.g. ``board={"name": "icebreaker"}``; None leaves the file's value.

    Raises
    ------
    SpecError
        When the file cannot be read or the result is not acceptable.
    """
    from drai_hw import catalog

    spec, folder = catalog.find(reference)
    task: dict[str, Any] = {"seed": seed} if seed is not None else {}
    source = spec.task.patterns
    if spec.task.kind == "recall" and isinstance(source, str) and not _is_named(source):
        from drai_hw.spec import load_patterns

        found = load_patterns(
            source, spec.network.oscillators, width=spec.task.width, folder=folder
        )
        task["patterns"] = found.values.tolist()
    sections = {**overrides, "task": {**overrides.get("task", {}), **task}}
    sections["network"] = {**overrides.get("network", {}), **links_in_file(spec, folder)}
    spec = with_overrides(spec, sections)
    outdir = Path(output) if output else Path("build") / spec.network.name
    if outdir.exists() and not outdir.is_dir():
        raise SpecError(f"output {str(outdir)!r} is a file; -o needs a directory here")
    return Job(spec, outdir, reference)


def links_in_file(spec: Spec, folder: Path | None) -> dict[str, Any]:
    """Return the links of a mask that lies in a file as a key of ``[network]``, else nothing."""
    if not str(spec.network.mask).endswith(".npy"):
        return {}
    from drai_hw.spec.mask import links_of, load_mask

    mask = load_mask(spec.network.mask, spec.network.oscillators, folder=folder)
    return {"mask": links_of(mask)}


def _is_named(source: str) -> bool:
    return source.partition(":")[0] in ("letters", "digits", "random") and ":" in source


def with_overrides(spec: Spec, sections: Mapping[str, Mapping[str, Any]]) -> Spec:
    """Return the network with some keys replaced, validated anew; None replaces nothing."""
    from drai_hw.spec import validate

    data = spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    for section, keys in sections.items():
        data[section].update({key: value for key, value in keys.items() if value is not None})
    return validate(data, "command line")


@contextlib.contextmanager
def clean_stdout() -> Iterator[Callable[[str], None]]:
    """
    Keep standard output for the result: what libraries print meanwhile goes to standard error.

    Yields
    ------
    callable
        Writes a line to the real standard output.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    lines: list[str] = []
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            # What a library warns of is for its programmers; what this toolkit warns of, for users.
            warnings.simplefilter("ignore")
            warnings.filterwarnings("default", category=UserWarning, module="drai_hw")
            warnings.showwarning = _show_warning
            yield lines.append
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
    for text in lines:
        click.echo(text)


def _show_warning(message: Warning | str, *rest: Any, **more: Any) -> None:
    click.echo(f"drai-hw: warning: {message}", err=True)


def json_text(value: Mapping[str, Any]) -> str:
    """Return one JSON object as text; numbers that are not finite are refused."""
    return json.dumps(value, indent=2, allow_nan=False)
