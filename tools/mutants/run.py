"""The run: which mutants are left, two processes at most, every answer kept at once."""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import hashlib
import importlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.mutants import worker
from tools.mutants.operators import Mutant
from tools.mutants.plan import MODEL, ROOT, TARGETS, Target, digests
from tools.mutants.record import Record

FOLDER = ROOT / "build" / "mutants"
PATIENCE = 20  # seconds on the wall for one of the processor, on a busy machine
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["MPLBACKEND"] = "Agg"


@dataclass
class Job:
    """One process and what becomes of its answer."""

    work: Callable[[], str]
    cpu_s: float
    compiled: bool
    done: Callable[[str, bool], None]
    read: int = -1
    until: float = 0.0
    answer: bytes = field(default=b"")


def processes(jobs: Iterator[Job], at_most: int) -> None:
    """Run jobs side by side; on an interrupt end those that run."""
    running: dict[int, Job] = {}
    try:
        while True:
            while len(running) < at_most and (job := next(jobs, None)):
                pid, job.read = worker.forked(job.work, job.cpu_s, job.compiled)
                os.set_blocking(job.read, False)
                job.until = time.monotonic() + PATIENCE * job.cpu_s
                running[pid] = job
            if not running:
                return
            time.sleep(0.005)
            for pid, job in list(running.items()):
                with contextlib.suppress(BlockingIOError):
                    while part := os.read(job.read, 1 << 16):
                        job.answer += part
                ended, status = os.waitpid(pid, os.WNOHANG)
                if not ended and time.monotonic() > job.until:
                    os.kill(pid, signal.SIGKILL)
                    ended, status = os.waitpid(pid, 0)
                if ended:
                    with contextlib.suppress(BlockingIOError):
                        while part := os.read(job.read, 1 << 16):
                            job.answer += part
                    os.close(job.read)
                    del running[pid]
                    job.done(job.answer.decode(), status == 0)
    finally:
        for pid, job in running.items():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(job.read)


def _baselines(targets: list[Target], at_most: int) -> dict[tuple[str, bool, str], Any]:
    """Return what each test file reaches, measured where its text or a target has changed."""
    package = hashlib.sha256(b"".join((MODEL / t.source).read_bytes() for t in TARGETS))
    found: dict[tuple[str, bool, str], Any] = {}
    failures: list[str] = []

    def jobs() -> Iterator[Job]:
        for key in dict.fromkeys((n, t.compiled, t.deselected) for t in targets for n in t.tests):
            name, compiled, deselected = key
            file = f"tests/test_model_{name}.py"
            digest = package.copy()
            digest.update((ROOT / file).read_bytes() + repr(key).encode())
            kept = FOLDER / f"baseline-{digest.hexdigest()[:16]}.json"
            if kept.exists():
                found[key] = json.loads(kept.read_text())
                continue

            def done(answer: str, well: bool, key: Any = key, kept: Any = kept) -> None:
                _say(f"baseline of {key[0]}{'' if key[1] else ' in plain Python'}")
                if well:
                    found[key] = json.loads(answer)
                    kept.write_text(answer)
                else:
                    failures.append(f"{key[0]}: {answer or 'no answer in time'}")

            yield Job(functools.partial(worker.baseline, file, deselected), 900, compiled, done)

    processes(jobs(), at_most)
    if failures:
        raise SystemExit("\n".join(failures))
    return found


def run(targets: list[Target], at_most: int, *, fresh: bool) -> None:
    """Judge every mutant that is not known yet, and bring the record up to date."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if fresh:
        (FOLDER / "results.jsonl").unlink(missing_ok=True)
    record = Record.load()
    reaches = _baselines(targets, at_most)
    _import_once(reaches)
    with (FOLDER / "results.jsonl").open("a", encoding="utf-8") as log:
        known = _known()
        for target in targets:
            _of_target(target, reaches, record, known, log, at_most, fresh)
            record.save()


def _import_once(reaches: Any) -> None:
    """Import what tests import, except for what may be mutated or imports it."""
    floors = ("drai_hw.errors", "drai_hw.units", "drai_hw.spec", "drai_hw.catalog")
    for name in sorted({*floors, *(name for each in reaches.values() for name in each["modules"])}):
        if name != "__main__" and not name.startswith("_pytest"):
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    if early := [name for name in sys.modules if name.startswith("drai_hw.model")]:
        raise RuntimeError(f"{early} imported before the fork: no change of them would be seen")
    gc.freeze()  # not to be looked through again by every process


def _known() -> dict[tuple[str, ...], str]:
    """Return the answers of earlier runs by source, digests of function and tests, and mutant."""
    answers = {}
    for line in (FOLDER / "results.jsonl").read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):  # a line cut off in the middle
            *key, answer = json.loads(line)
            answers[tuple(key)] = answer
            if answer:  # what one test kills, more tests kill, too
                answers[key[0], key[1], "", key[3]] = answer
    return answers


def _of_target(
    target: Target, reaches: Any, record: Record, known: Any, log: Any, at_most: int, fresh: bool
) -> None:
    tree = target.tree()
    code_of = digests(tree)
    files = [f"tests/test_model_{name}.py" for name in target.tests]
    text_of_tests = hashlib.sha256(
        b"".join((ROOT / file).read_bytes() for file in files)
    ).hexdigest()[:12]
    baselines = [reaches[name, target.compiled, target.deselected] for name in target.tests]
    seconds = {test: cost for each in baselines for test, cost in each["seconds"].items()}
    by_line: dict[int, set[str]] = {}
    for each in baselines:
        for line, tests in each["lines"].get(target.source, {}).items():
            by_line.setdefault(int(line), set()).update(tests)
    killers: Counter[str] = Counter()
    answers: dict[str, str] = {}
    mutants = target.mutants(tree)
    started = time.monotonic()

    def tests_of(mutant: Mutant) -> list[str]:
        reached: set[str] = set()
        for line in range(mutant.first, mutant.last + 1):
            reached |= by_line.get(line, set())
        tests = seconds if mutant.at_import else reached
        return sorted(tests, key=lambda test: (seconds[test] + 0.05) / (1 + killers[test]))

    def jobs() -> Iterator[Job]:
        for mutant in mutants:
            where = mutant.name.split(":")[0]
            key = target.source, code_of[where], text_of_tests, mutant.name
            kept = None if fresh else record.answer(target.source, where, code_of[where], mutant)
            killed = known.get((key[0], key[1], "", key[3])) or kept
            if (answer := known.get(key, killed)) is not None:
                answers[mutant.name] = answer
                continue
            tests = tests_of(mutant)
            if not tests:
                done("", True, mutant, key)
                continue
            with mutant.applied():
                code = compile(ast.fix_missing_locations(tree), target.source, "exec")
            needed = {test.split("::")[0] for test in tests}
            work = functools.partial(
                worker.judge, target.module, str(MODEL / target.source), code,
                [file for file in files if file in needed],
                {test: seconds[test] for test in tests},
            )  # fmt: skip
            limit = 15 + 5 * sum(seconds[test] for test in tests)
            yield Job(work, limit, target.compiled, functools.partial(done, mutant=mutant, key=key))

    def done(answer: str, well: bool, mutant: Mutant, key: tuple[str, ...]) -> None:
        killer = answer if well else "time or memory"
        killers[killer] += 1
        answers[mutant.name] = killer
        log.write(json.dumps([*key, killer]) + "\n")
        log.flush()
        alive = sum(not each for each in answers.values())
        _say(f"{target.source}: {len(answers)} of {len(mutants)}, {alive} alive, "
             f"{time.monotonic() - started:.0f} s")  # fmt: skip

    processes(jobs(), at_most)
    record.update(target.source, code_of, mutants, answers)


def _say(text: str) -> None:
    end = "" if sys.stderr.isatty() else "\n"
    print(f"\r\033[K{text}" if end == "" else text, end=end, file=sys.stderr, flush=True)
