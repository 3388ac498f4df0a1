"""``python -m tools.rtl_mutants``: mutate our own RTL, run the benches on it, write the page."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from drai_hw.files import write_whole
from tools.rtl_mutants import benches, record
from tools.rtl_mutants.benches import ALIVE
from tools.rtl_mutants.equivalence import Prover
from tools.rtl_mutants.plan import TARGETS, Target, mutated
from tools.rtl_mutants.record import ASKED, Found


def judged(target: Target, folder: Path, *, prove: bool = True) -> Found:
    """Run the bench on all mutants of a target, and the solver on those that live.

    Parameters
    ----------
    target : Target
        What is mutated.
    folder : Path
        For RTLIL and compiled models.
    prove : bool
        False: the bench alone; no verdicts.

    Raises
    ------
    RuntimeError
        If the bench finds a fault in the logic without a mutant.
    """
    mutants = mutated(target, folder)
    judge = benches.judge_of(target, mutants.source, folder / "models")
    end, bench = judge(0)
    if end != ALIVE:
        raise RuntimeError(f"{target.name}: the bench fails without a mutant: {bench}")
    ends: Counter[str] = Counter()
    alive = []
    for count, mutant in enumerate(mutants.mutants, 1):
        end, _ = judge(mutant.number)
        ends[end] += 1
        if end == ALIVE:
            alive.append(mutant)
        if count % 100 == 0:
            print(f"{target.name}: {count} of {len(mutants.mutants)}", file=sys.stderr)
    prover = Prover(target, mutants.source) if prove and alive and target.kept else None
    told = []
    for mutant in alive:
        verdict, why = prover.verdict(mutant.number) if prover else ("", "")
        told.append({"name": mutant.name, "verdict": verdict, "why": why})
        print(f"{target.name}: {mutant.name}: {verdict or why}", file=sys.stderr)
    return {
        "digest": target.digest(), "bench": bench, "ends": dict(sorted(ends.items())), ALIVE: told
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Judge what is not known of the RTL of today, keep it, and write record and page.

    Lane and update unit of the core are judged if they are named, and only told of: see the page.
    Returns 1 if too few mutants are noticed, 130 if interrupted; modules that are done stay.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.rtl_mutants", description=main.__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument(
        "targets", nargs="*", help=f"of {', '.join(names)}; by default those of the page"
    )
    parser.add_argument("--fresh", action="store_true", help="judge all again")
    given = parser.parse_args(arguments)
    unknown = set(given.targets) - set(names)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(names)}")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    known = record.load()
    try:
        for target in TARGETS:
            wanted = target.name in given.targets if given.targets else target.kept
            if not wanted:
                continue
            old = known.get(target.name)
            if old and old["digest"] == target.digest() and not given.fresh:
                continue
            with tempfile.TemporaryDirectory(prefix="drai-hw-mutants-") as scratch:
                found = judged(target, Path(scratch))
            if not target.kept:
                print(f"{target.name}: {found['ends']}, {found['bench']}; not kept")
                continue
            known = record.load() | {target.name: found}  # another process may have added to it
            record.save(known)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    write_whole(record.PAGE, record.page(known))
    reached = record.share(list(known.values()))
    print(f"{reached:.2%} of the mutants that are not equal are noticed", file=sys.stderr)
    return 0 if reached >= ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
