"""Runs side by side: their order, their progress, and how all end when one does."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from drai_hw import spice
from drai_hw.errors import ConvergenceError
from drai_hw.spice.side_by_side import side_by_side


def waits(returned, seconds=0.1):
    """Return a job that tells its progress until it ends."""

    def job(progress):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            progress(0.5)
            time.sleep(0.005)
        progress(1.0)
        return returned

    return job


def test_results_come_in_the_order_of_the_jobs_and_progress_ends_with_all():
    told = []
    jobs = [waits("slow", 0.3), waits("quick", 0.01), waits("third", 0.01)]
    found = side_by_side(jobs, at_once=2, progress=lambda share, done: told.append((share, done)))
    assert found == ["slow", "quick", "third"]
    assert told[-1] == (1.0, 3)
    assert told[0][1] == 0
    assert 0 < told[0][0] < 1
    assert side_by_side([]) == []


def test_no_more_than_asked_for_run_at_once():
    running, most = [], []

    def job(progress):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        progress(1.0)

    side_by_side([job] * 6, at_once=2)
    assert max(most) == 2


def test_one_that_fails_ends_the_others_and_its_words_are_kept():
    def fails(progress):
        raise ConvergenceError("no solution")

    begun = time.monotonic()
    with pytest.raises(ConvergenceError, match="no solution"):
        side_by_side([waits("never", 60.0), fails, waits("not begun", 60.0)], at_once=2)
    assert time.monotonic() - begun < 20.0


def test_an_interruption_ends_the_simulators():
    netlist = spice.create([[0, 1], [1, 0]], spice.Circuit(cycles=200_000))
    seen = []

    def job(progress):
        def told(share):
            seen.append(share)
            progress(share)

        return spice.run(netlist, progress=told)

    def interrupt():
        while not seen:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([job, job], at_once=2)
    assert time.monotonic() - begun < 30.0
    assert children() == []


def children():
    """Return the command lines of this process's children that are ngspice."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as stat:
                words = stat.read().rpartition(")")[2].split()
            with open(f"/proc/{name}/cmdline") as line:
                command = line.read()
        except (OSError, ValueError):
            continue
        if int(words[1]) == os.getpid() and words[0] != "Z" and "ngspice" in command:
            found.append(command)
    return found
