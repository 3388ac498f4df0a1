"""Settings every test shares: the same draws on every run, one core per worker, no screen."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Two workers fill the two cores; a library's own thread pool would only get in their way.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["MPLBACKEND"] = "Agg"

# Started in the background of a script, a process inherits "ignore SIGINT", and so would every
# program that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Seeded, so that a failure comes back; without a deadline, since the machine may be busy.
hypothesis.settings.register_profile("seeded", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("seeded")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


COUNTS_VARIABLE = "DRAI_HW_FUZZ_COUNTS"


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Cases by outcome; with DRAI_HW_FUZZ_COUNTS, a line for each test goes to that file."""
    counts: Counter[str] = Counter()
    begun_s = time.monotonic()
    yield counts
    if COUNTS_VARIABLE in os.environ:
        line = {
            "test": request.node.nodeid,
            "seconds": round(time.monotonic() - begun_s, 1),
            "counts": dict(counts),
        }
        with Path(os.environ[COUNTS_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
