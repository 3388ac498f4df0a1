"""Runs at the edge of what a core is asked for: nothing to do, no step, and a reset in mid-run."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import clocks_per_refresh


@runtime_checkable
class Interruptible(Protocol):
    """A machine that may be reset in mid-run; see `drai_hw.sim.mirror.MirroredMachine`."""

    formats: Formats

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do some steps."""

    def interrupt(self, clocks: int, **passes: bool) -> None:
        """Reset the design some clocks into a run."""

    def interfere(self, **passes: bool) -> None:
        """Do a step while the host asks for others."""

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers."""


def directed_runs(machine: Interruptible, settings: Settings, empty_steps: int) -> None:
    """Drive a machine, whose state stays as it is, through runs that random ones leave out.

    Runs of no step, runs without a pass, and runs of which a reset makes an end: in the refresh
    pass, behind it, and in the sums of the first row. A run with steps follows each. Last come two
    steps during which the host asks for what they are not, and a run as soon behind a reset as the
    bus can ask for it.

    Parameters
    ----------
    machine : Interruptible
        At rest, its state loaded.
    settings : Settings
        Its settings, which a reset clears.
    empty_steps : int
        Steps of the run without a pass: its clocks; as register STEPS holds it.
    """
    f = machine.formats
    machine.run(0, couple=False)
    machine.run(0, field=True, resume=True)
    machine.run(empty_steps, couple=False)
    machine.run(1, couple=False, resume=True)
    machine.run(1)
    refresh = clocks_per_refresh(f)
    for clocks in (2, refresh // 2, refresh - 1, refresh + f.lanes):
        machine.interrupt(clocks, field=True)
        machine.configure(settings)
        machine.run(1, field=True)
    machine.interfere()
    machine.interfere(field=True, learn=f.learns, census=f.census_passes > 0)
    machine.interrupt(refresh // 2)
    machine.run(0, couple=False)
    machine.configure(settings)
