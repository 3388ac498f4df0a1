"""Benches: the core, and whole devices, in RTL simulation."""

from drai_hw.sim.core import SimResult, run_core, run_job, task_job

__all__ = ["SimResult", "run_core", "run_job", "task_job"]
