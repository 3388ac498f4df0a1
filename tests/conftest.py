"""Settings every test shares: the same draws on every run, one core per worker, no screen."""

from __future__ import annotations

import os
import signal
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
