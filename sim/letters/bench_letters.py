"""Bench of the design letters: the RTL does its task, equal to its twin after every step.

Made by: drai-hw sim letters --bench DIR
Generated files belong to whoever generated them: use, change and license this one as you like.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.task import bridge

from drai_hw.model import tasks
from drai_hw.model.machine import Machine
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.sim.bus import Bus, clocks_now
from drai_hw.sim.jobs import beginning
from drai_hw.sim.machine import RtlMachine
from drai_hw.sim.scoreboard import Scoreboard
from drai_hw.spec import validate

# The folder of the Verilog also tells its formats and the places of its memories.
FACTS = json.loads((Path(os.environ["DRAI_HW_RTL"]) / "drai_core.json").read_text())
SPEC = validate(json.loads(Path(__file__).with_name("network.json").read_text()), "network.json")
if "DRAI_HW_GLANCE" in os.environ:  # one epoch and a few steps, for a dump of waves
    SPEC = beginning(SPEC)


def do_task(machine: Machine) -> None:
    """Store the patterns by learning, then recall corrupted ones: each pattern once."""
    patterns = tasks.patterns_of(SPEC)
    trials = tasks.trials_of(SPEC, patterns, min(SPEC.task.trials, len(patterns.values)))
    tasks.prepare(machine, SPEC)
    learned = tasks.learn(machine, SPEC, patterns.values)
    recalled = tasks.recall(machine, SPEC, trials, patterns.values)
    cocotb.log.info(f"{learned.presentations} presentations, recalled: {recalled.exact}")


@cocotb.test()
async def letters_is_equal_to_its_twin_after_every_step(dut) -> None:
    """Do the task on both; the first difference in phases, margin bits or weights ends it."""
    twin = Twin(Formats(**FACTS["formats"]))
    bus = Bus(dut)
    scoreboard = Scoreboard(dut, twin, FACTS["memories"])
    machine = RtlMachine(bus, dut, scoreboard)
    await bus.start()
    # The task is ordinary code that waits for its machine, so it runs in a thread of its own.
    await bridge(do_task)(machine)
    assert scoreboard.compared == machine.steps > 0
    cocotb.log.info(f"{machine.steps} steps compared, {clocks_now()} clocks")
