"""Digests that decide whether the result of a stage may be used again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_VERSION_FLAGS = {"ngspice": "--version", "iverilog": "-V"}
"""Programs that are no Python distribution, with the option that makes them name their version."""


def canonical(value: Any) -> str:
    """
    Write a JSON-able value so that equal values give equal text.

    Keys are sorted and numbers keep Python's shortest exact form, so the text does not depend on
    the order in which a file listed its keys.

    Parameters
    ----------
    value:
        Anything :mod:`json` can write. NaN and infinities are refused.

    Raises
    ------
    ValueError
        When a number is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: Any) -> str:
    """Return the 128-bit BLAKE2s digest of a JSON-able value as 32 hexadecimal digits."""
    return hashlib.blake2s(canonical(value).encode(), digest_size=16).hexdigest()


def file_digest(path: Path) -> str:
    """Return the 128-bit BLAKE2s digest of a file's bytes as 32 hexadecimal digits."""
    with path.open("rb") as stream:
        hasher = hashlib.blake2s(digest_size=16)
        while block := stream.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


@cache
def source_digest(packages: tuple[str, ...]) -> str:
    """
    Return one digest over the source files of modules and packages.

    Data files that a package carries (templates, fonts, device cards) count as source; byte code
    does not. A change in any of them makes the results that rest on them stale.

    Parameters
    ----------
    packages:
        Importable names, such as ``("drai_hw.spec", "drai_hw.units")``. They are found, not
        imported.

    Raises
    ------
    ModuleNotFoundError
        When one of the names does not exist.
    """
    entries: list[tuple[str, str]] = []
    for name in sorted(set(packages)):
        found = importlib.util.find_spec(name)
        if found is None:
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)
        if found.submodule_search_locations:
            for root in map(Path, found.submodule_search_locations):
                entries += [
                    (f"{name}/{path.relative_to(root).as_posix()}", file_digest(path))
                    for path in sorted(root.rglob("*"))
                    if path.is_file() and "__pycache__" not in path.parts
                ]
        elif found.origin:
            entries.append((name, file_digest(Path(found.origin))))
    return digest_of(sorted(entries))


@cache
def tool_version(name: str) -> str:
    """
    Return the version of a Python distribution or of an installed program.

    Parameters
    ----------
    name:
        A distribution (``"numpy"``) or one of the programs ``ngspice`` and ``iverilog``.

    Returns
    -------
    str
        The version, or ``"missing"``: a tool that is not there is a fact about the run, and the
        stage that needs it says so itself.
    """
    if name in _VERSION_FLAGS:
        path = shutil.which(name)
        if path is None:
            return "missing"
        try:
            done = subprocess.run(
                [path, _VERSION_FLAGS[name]],
                capture_output=True,
                text=True,
                timeout=20,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return "missing"
        number = re.search(r"(?:version |ngspice-)v?(\d[\w.+-]*)", done.stdout + done.stderr)
        return number.group(1) if number else "unknown"
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def tool_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the version of every named tool, see :func:`tool_version`."""
    return {name: tool_version(name) for name in sorted(set(names))}


def stage_digest(
    inputs: Mapping[str, Any],
    sources: tuple[str, ...],
    tools: Mapping[str, str],
    upstream: Sequence[Mapping[str, Any]],
) -> str:
    """
    Return the digest that names the result of a stage.

    Parameters
    ----------
    inputs:
        Everything the stage is told: the sections of the spec and the options that it sees.
    sources:
        The modules whose code makes the result.
    tools:
        Versions of the tools that take part.
    upstream:
        What became of the stages that this one reads, their digests among it.
    """
    return digest_of(
        {
            "inputs": dict(inputs),
            "sources": source_digest(tuple(sorted(set(sources)))),
            "tools": dict(tools),
            "upstream": [dict(fate) for fate in upstream],
        }
    )
