"""What a forked process does: run tests, with one line of the package changed or all counted."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping
from types import CodeType, ModuleType
from typing import Any

import coverage
import pytest

from tools.mutants.plan import MODEL, ROOT

MEMORY_BYTES = 6 << 30
QUIET = ("-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist")


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module by its changed code instead of its file."""

    def __init__(self, module: str, path: str, code: CodeType) -> None:
        self.module, self.path, self.code = module, path, code

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Return where the module is, if it is the one."""
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave it to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self.code, module.__dict__)


class Chosen:
    """Keeps the tests that are named, in their order, and remembers which failed.

    Each gets a few times the processor time that it needs without the change; one that takes more
    ends the process (the default of SIGPROF).
    """

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds = seconds
        self.rank = {name: rank for rank, name in enumerate(seconds)}
        self.failed = ""

    def pytest_sessionstart(self) -> None:
        """Stop at the first example that fails: nobody reads the shortest one."""
        import hypothesis

        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        profile = hypothesis.settings(derandomize=True, deadline=None, phases=phases, database=None)
        hypothesis.settings.register_profile("mutants", profile)
        hypothesis.settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen tests."""
        kept = [item for item in items if item.nodeid in self.rank]
        items[:] = sorted(kept, key=lambda item: self.rank[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Set the limit."""
        signal.setitimer(signal.ITIMER_PROF, 4 + 5 * self.seconds[item.nodeid])
        result = yield
        signal.setitimer(signal.ITIMER_PROF, 0)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first failure."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Counted:
    """Notes which test reaches which line, and what it costs."""

    def __init__(self, cov: coverage.Coverage) -> None:
        self.cov, self.seconds = cov, dict[str, float]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Count under the test's name."""
        self.cov.switch_context(item.nodeid)
        start = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - start
        return result


def judge(
    module: str, path: str, code: CodeType, files: list[str], tests: Mapping[str, float]
) -> str:
    """Return which test fails when a module is changed; empty if none does."""
    sys.meta_path.insert(0, Changed(module, path, code))
    chosen = Chosen(tests)
    status = pytest.main([*QUIET, "-x", *files], plugins=[chosen])
    if status in (0, 1):
        return chosen.failed
    return "collection"  # the package can no longer be imported, or the tests no longer be found


def baseline(file: str, deselected: str) -> str:
    """Return the tests of a file with their cost, and by which of them each line is reached."""
    cov = coverage.Coverage(data_file=None, include=[f"{MODEL}/*"], config_file=False)
    cov.start()
    counted = Counted(cov)
    keep = ["-k", f"not ({deselected})"] if deselected else []
    status = pytest.main([*QUIET, "-m", "not full", *keep, file], plugins=[counted])
    cov.stop()
    if status:
        raise RuntimeError(f"{file}: the unchanged tests end with status {status}")
    lines = {
        str(os.path.relpath(source, MODEL)): {
            line: sorted(filter(None, tests))
            for line, tests in cov.get_data().contexts_by_lineno(source).items()
        }
        for source in cov.get_data().measured_files()
    }
    modules = [name for name in sys.modules if not name.startswith(("drai_hw", "test", "tools"))]
    return json.dumps({"seconds": counted.seconds, "lines": lines, "modules": modules})


def forked(job: Callable[[], str], cpu_s: float, compiled: bool) -> tuple[int, int]:
    """Run a job in a process of its own; return its number and the pipe that its answer takes."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s) + 1, int(cpu_s) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(ROOT)
        if not compiled:
            import numba
            import numpy

            numba.config.DISABLE_JIT = 1
            numpy.seterr(over="ignore")  # machine integers wrap without a word
            from tools.mutants import plain_vectors

            plain_vectors.install()
        answer = job().encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(answer)
        status = 0
    except BaseException as error:
        os.write(write, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(status)
