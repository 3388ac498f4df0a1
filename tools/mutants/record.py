"""What is known of every function: a digest of its code, how many mutants died, which did not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drai_hw.files import write_whole
from tools.mutants.operators import Mutant
from tools.mutants.plan import ROOT, TARGETS, digests

FILE = ROOT / "tools" / "mutants" / "record.json"


@dataclass
class Record:
    """Results by source and function."""

    sources: dict[str, dict[str, dict[str, Any]]]

    @classmethod
    def load(cls) -> Record:
        """Return the committed record, empty if there is none."""
        return cls(json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {})

    def save(self) -> None:
        """Write the record, whole or not at all."""
        write_whole(FILE, json.dumps(self.sources, indent=1, ensure_ascii=False) + "\n")

    def answer(self, source: str, where: str, digest: str, mutant: Mutant) -> str | None:
        """Return what is known of a mutant of unchanged code: killed, or nothing.

        A survivor counts as unknown, since a test may have been added.
        """
        entry = self.sources.get(source, {}).get(where)
        if entry is None or entry["digest"] != digest or mutant.name in entry["alive"]:
            return None
        return "recorded"

    def update(
        self, source: str, code_of: Mapping[str, str], mutants: Sequence[Mutant],
        answers: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Replace what is known of a source."""
        functions: dict[str, dict[str, Any]] = {}
        for mutant in mutants:
            where = mutant.name.split(":")[0]
            entry = functions.setdefault(
                where, {"digest": code_of[where], "mutants": 0, "alive": []}
            )
            entry["mutants"] += 1
            if not answers[mutant.name]:
                entry["alive"].append(mutant.name)
        self.sources[source] = functions

    def stale(self) -> list[str]:
        """Return the functions whose code is no longer the one that was mutated."""
        found = []
        for target in TARGETS:
            tree = target.tree()
            code_of = digests(tree)
            recorded = self.sources.get(target.source, {})
            wanted = {mutant.name.split(":")[0] for mutant in target.mutants(tree)}
            for where in sorted(wanted | set(recorded)):
                if recorded.get(where, {}).get("digest") != code_of.get(where):
                    found.append(f"{target.source}: {where}")
        return found
