"""Results of stages on disk: complete or absent, never half-written."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drai_hw.files import unwritable
from drai_hw.flow.digest import file_digest
from drai_hw.interrupts import whole

_RECORD = "stage.json"
_LAYOUT = 1  # raised when the record's own form changes


class Store:
    """
    The folder of one build, with one sub-folder per stage.

    Parameters
    ----------
    root:
        The output directory; it is made when the first stage starts.
    """

    def __init__(self, root: Path):
        self.root = root

    def folder(self, name: str) -> Path:
        """Return the folder that holds the files of a finished stage."""
        return self.root / name

    def load(self, name: str, digest: str) -> tuple[Mapping[str, Any], float] | None:
        """
        Return the stored result of a stage and the seconds it took, or None.

        None means that it must be made again.

        It must be made again when its digest is another one, or when one of the files that it left
        is missing or has been changed since.
        """
        folder = self.folder(name)
        try:
            record = json.loads((folder / _RECORD).read_text())
            if record["layout"] != _LAYOUT or record["digest"] != digest:
                return None
            for path, expected in record["files"].items():
                if file_digest(folder / path) != expected:
                    return None
            result: Mapping[str, Any] = record["result"]
            seconds = float(record["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return result, seconds

    def begin(self, name: str) -> Path:
        """
        Return an empty working folder for a stage.

        Raises
        ------
        SpecError
            When the output directory cannot be made or written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.root))
        except OSError as error:
            raise unwritable(self.root, error, what="to the output directory ") from error

    def commit(
        self, name: str, workdir: Path, digest: str, result: Mapping[str, Any], seconds: float
    ) -> Path:
        """
        Make the files of a finished stage visible under the stage's name.

        The record is written last and the folder renamed in one step: an interrupted call leaves
        either the earlier result or none.

        Raises
        ------
        SpecError
            When there is no space for the record; the earlier result stays.
        """
        files = {
            path.relative_to(workdir).as_posix(): file_digest(path)
            for path in sorted(workdir.rglob("*"))
            if path.is_file() and path.name != _RECORD
        }
        record = {
            "layout": _LAYOUT,
            "digest": digest,
            "seconds": seconds,
            "files": files,
            "result": dict(result),
        }
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        try:
            (workdir / _RECORD).write_text(text + "\n")
            self._replace(workdir, self.folder(name))
        except OSError as error:
            raise unwritable(self.folder(name), error, what="the result of a stage to ") from error
        shutil.rmtree(self.root / f"{name}.failed", ignore_errors=True)
        return self.folder(name)

    def keep_failed(self, name: str, workdir: Path) -> Path:
        """Keep the files of a failed stage beside the good ones, for its logs."""
        target = self.root / f"{name}.failed"
        self._replace(workdir, target)
        return target

    def sweep(self, name: str) -> None:
        """Remove working folders that a stage stopped or killed left behind."""
        for path in self.root.glob(f".{name}-*"):
            shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    @whole
    def _replace(workdir: Path, target: Path) -> None:
        # A directory cannot replace a filled one in one step: the old one steps aside first.
        aside = workdir.with_name(f"{workdir.name}.old")
        if target.exists():
            os.replace(target, aside)
        workdir.chmod(0o755)
        os.replace(workdir, target)
        shutil.rmtree(aside, ignore_errors=True)
