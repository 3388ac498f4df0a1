"""Cocotb bench of the core: a job on the RTL, compared with the twin after every step."""

from __future__ import annotations

import asyncio
import os
import pickle
import traceback
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge

from drai_hw.model.twin import Twin
from drai_hw.sim.bus import Bus, BusError, RegisterWindow, clocks_now, connected
from drai_hw.sim.core_failure.explain import explain, keep_history
from drai_hw.sim.machine import RtlMachine
from drai_hw.sim.outcome import carry_out, report
from drai_hw.sim.runner import BENCH_ERROR_FILE
from drai_hw.sim.scoreboard import Scoreboard

JOB_VARIABLE = "DRAI_HW_JOB"
JOB_FILE = "job.pickle"
RESULT_FILE = "result.pickle"


@cocotb.test()
async def job(dut: Any) -> None:
    """Carry the job out; whatever happens is written down for the caller."""
    try:
        with open(os.environ[JOB_VARIABLE], "rb") as file:
            order = pickle.load(file)
        twin = Twin(order["formats"])
        connect = order["connect"]
        top = connected(dut, connect)
        bus = Bus(top, connect)
        others = [
            (Twin(twin.formats.replica(r)), memories)
            for r, memories in enumerate(order.get("replica_memories", []), 1)
        ]
        scoreboard = Scoreboard(dut, twin, order["memories"], others)
        rings = RegisterWindow(top, order["ring_registers"])
        machine = RtlMachine(
            bus, top, scoreboard, rings, order["total_steps"], order["check_clocks"]
        )
        machine.store = order.get("store")
        if order["explain"]:
            keep_history(machine)
        await bus.start()
        outcome = await bridge(carry_out)(order["job"], machine)
        machine.tell()
        result = report(
            machine,
            outcome,
            cycles=clocks_now(),
            accesses=bus.accesses,
            rings=(rings.toggles, rings.clocks, rings.bits),
        )
        if order["explain"] and scoreboard.count:
            machine.rings = None
            result["failure"] = await bridge(explain)(machine, shorten=order["shorten"])
        Path(RESULT_FILE).write_bytes(pickle.dumps(result))
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):  # cocotb ends what runs when the design does
            text = "the design ended the simulation by itself ($finish or $stop in it?)"
        else:
            text = f"{type(error).__name__}: {error}"
            if not isinstance(error, BusError):
                text += "\n" + traceback.format_exc()
        Path(BENCH_ERROR_FILE).write_text(text, encoding="utf-8")
        raise
