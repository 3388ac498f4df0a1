"""What a stage is: a function in a process of its own and the inputs it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from drai_hw.errors import DraiError

Status = Literal["done", "cached", "failed", "skipped"]


class CheckFailed(DraiError):  # noqa: N818 - reads as what happened, not as a fault of the program
    """
    A stage finished its work and what it compared does not agree.

    The result stays: the report shows the disagreement. The command line ends with status 1.

    Parameters
    ----------
    message:
        One sentence that says what disagrees and where first.
    result:
        The JSON-able result of the stage, as if the check had passed.
    """

    def __init__(self, message: str, result: Mapping[str, Any]):
        super().__init__(message)
        self.result = dict(result)


@dataclass(frozen=True)
class Stage:
    """
    One step of the chain.

    Parameters
    ----------
    name:
        Its name, also that of its folder below the output directory.
    function:
        ``"module:function"``. The function takes a :class:`Context` and returns a JSON-able dict;
        it runs in a process of its own.
    inputs:
        Everything the function is told, JSON-able. It sees nothing else, so that the digest of the
        inputs cannot miss a dependency.
    sources:
        Modules whose code decides the result.
    tools:
        Distributions and programs whose version decides the result.
    needs:
        Stages whose result the function reads; when one has none, this stage is skipped.
    wants:
        Stages whose result it reads if there is one (the report shows what there is).
    weight:
        Share of the chain's time, for the progress bar only.
    """

    name: str
    function: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True)
class Context:
    """
    What a stage function works with.

    Parameters
    ----------
    inputs:
        The stage's own inputs.
    results:
        Results of the upstream stages that have one.
    folders:
        Their folders, for files that are too large for JSON.
    workdir:
        Folder for the stage's files. It becomes visible under its final name only when the stage
        has finished.
    fates:
        What became of every upstream stage: ``name``, ``status`` (``cached`` counts as ``done``),
        ``seconds`` it took when it was made, ``reason`` and ``digest``.
    progress:
        ``progress(fraction, text)`` with a fraction in [0, 1] or None when unknown.
    """

    inputs: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    folders: Mapping[str, Path]
    workdir: Path
    fates: tuple[Mapping[str, Any], ...]
    progress: Callable[[float | None, str], None]


@dataclass(frozen=True)
class Outcome:
    """
    What became of a stage.

    Parameters
    ----------
    name:
        The stage.
    status:
        ``done``, ``cached`` (an earlier result was used), ``failed`` or ``skipped``.
    seconds:
        Wall-clock time of this call in seconds; 0 for a cached or skipped stage.
    made_seconds:
        Wall-clock time of the call that made the result.
    reason:
        Why it failed or was skipped; empty otherwise.
    kind:
        Of a failure: ``check`` (disagreement), ``input`` (the user can mend it) or ``fault`` (the
        program's own).
    digest:
        Name of the result; empty when there is none.
    result:
        The JSON-able result; None when there is none.
    folder:
        Where its files are.
    """

    name: str
    status: Status
    seconds: float = 0.0
    made_seconds: float = 0.0
    reason: str = ""
    kind: Literal["", "check", "input", "fault"] = ""
    digest: str = ""
    result: Mapping[str, Any] | None = None
    folder: Path | None = None

    def summary(self) -> dict[str, Any]:
        """Return the entry of ``stages[]`` in the JSON of ``build``."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "reason": self.reason,
        }

    def fate(self) -> dict[str, Any]:
        """Return what a later stage may know, the same whether the result is fresh or stored."""
        return {
            "name": self.name,
            "status": "done" if self.status == "cached" else self.status,
            "seconds": round(self.made_seconds, 3),
            "reason": self.reason,
            "digest": self.digest,
        }


def ordered(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """
    Return the stages so that each comes after those it reads.

    Stages that do not depend on each other keep their order.

    Raises
    ------
    ValueError
        When two stages share a name, one reads a stage that does not exist, or they form a circle.
    """
    names = [stage.name for stage in stages]
    if len(set(names)) != len(names):
        raise ValueError(f"two stages share a name: {', '.join(names)}")
    for stage in stages:
        for other in (*stage.needs, *stage.wants):
            if other not in names:
                raise ValueError(f"stage {stage.name!r} reads {other!r}, which is no stage")
    placed: list[Stage] = []
    while len(placed) < len(stages):
        have = {stage.name for stage in placed}
        ready = [
            stage
            for stage in stages
            if stage.name not in have and have.issuperset((*stage.needs, *stage.wants))
        ]
        if not ready:
            left = ", ".join(name for name in names if name not in have)
            raise ValueError(f"stages wait for each other in a circle: {left}")
        placed.append(ready[0])
    return tuple(placed)


def closure(stages: tuple[Stage, ...], targets: tuple[str, ...]) -> tuple[Stage, ...]:
    """
    Return the stages that the targets need, in working order.

    Parameters
    ----------
    stages:
        The whole chain.
    targets:
        Names of the stages whose result is asked for.
    """
    by_name = {stage.name: stage for stage in stages}
    wanted: set[str] = set()
    queue = list(targets)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += by_name[name].needs
    kept = tuple(stage for stage in stages if stage.name in wanted)
    pruned = tuple(
        Stage(**{**vars(stage), "wants": tuple(w for w in stage.wants if w in wanted)})
        for stage in kept
    )
    return ordered(pruned)
