"""The chain itself: which stages there are, what each is told and what it rests on."""

from __future__ import annotations

import sys

from drai_hw.flow import bitstream, circuit, gather, machines, simulation, verilog
from drai_hw.flow.digest import digest_of, tool_versions
from drai_hw.flow.geometry import geometry_of
from drai_hw.flow.network import told
from drai_hw.flow.stages import Stage
from drai_hw.model import plan
from drai_hw.spec import Spec

ORDER = ("model", "twin", "rtl", "sim", "board", "spice", "report")
"""Order in which stages are listed; the longest of those that can run is started first."""


def chain(
    spec: Spec,
    *,
    pnr_seeds: tuple[int, ...] = (1,),
    sim_trials: int | None = None,
    simulator: str = "icarus",
) -> tuple[Stage, ...]:
    """
    Return the stages of a network, without the report.

    Parameters
    ----------
    spec:
        The network, overrides of the command line included.
    pnr_seeds:
        Seeds of place and route.
    sim_trials:
        Recalls in the RTL simulation; default :func:`default_sim_trials`.
    simulator:
        Of the RTL: ``icarus`` or ``cxxrtl``.

    Raises
    ------
    SpecError
        When the formats cannot hold the network or the board is unknown.
    """
    geometry = geometry_of(spec)
    formats = plan.formats_of(spec, *geometry)
    # The hardware is shaped by the formats alone: no change of task or learning rebuilds it.
    hardware = {"formats": formats.record()}
    return (
        Stage(
            "model",
            "drai_hw.flow.machines:model_stage",
            inputs=told(spec, "learning", "shil"),
            sources=machines.SOURCES,
            tools=machines.TOOLS,
        ),
        Stage(
            "twin",
            "drai_hw.flow.machines:twin_stage",
            inputs=told(spec, "learning", "shil", geometry=geometry),
            sources=machines.SOURCES,
            tools=machines.TOOLS,
        ),
        Stage(
            "board",
            "drai_hw.flow.bitstream:board_stage",
            inputs={
                **hardware,
                "board": spec.board.name,
                "board_file": board_digest(spec.board.name),
                "baud": spec.board.baud,
                "clock_hz": spec.board.clock_hz,
                "pnr_seeds": list(pnr_seeds),
            },
            sources=bitstream.SOURCES,
            tools=bitstream.TOOLS,
        ),
        Stage(
            "rtl",
            "drai_hw.flow.verilog:rtl_stage",
            inputs={**hardware, "name": spec.network.name},
            sources=verilog.SOURCES,
            tools=verilog.TOOLS,
        ),
        Stage(
            "sim",
            "drai_hw.flow.simulation:sim_stage",
            inputs={
                **told(spec, "learning", "shil", geometry=geometry),
                "trials": default_sim_trials(spec) if sim_trials is None else sim_trials,
                "simulator": simulator,
            },
            sources=simulation.SOURCES,
            tools=simulation.TOOLS,
            needs=("twin",),
        ),
        Stage(
            "spice",
            "drai_hw.flow.circuit:spice_stage",
            inputs=told(spec, "circuit"),
            sources=circuit.SOURCES,
            tools=circuit.TOOLS,
            needs=("twin",),
        ),
    )


def random_stage(
    spec: Spec, steps: int, *, script: str = "random", simulator: str = "icarus"
) -> Stage:
    """Return the stage that compares RTL and twin under random stimulus for some steps."""
    inputs = told(spec, "learning", geometry=geometry_of(spec))
    return Stage(
        "random",
        "drai_hw.flow.simulation:random_stage",
        inputs={
            **inputs,
            "steps": steps,
            "seed": spec.task.seed,
            "script": script,
            "simulator": simulator,
        },
        sources=simulation.SOURCES,
        tools=simulation.TOOLS,
    )


def default_sim_trials(spec: Spec) -> int:
    """
    Return the recalls that the RTL simulates in a build: each pattern once, five at least.

    Twin and RTL are equal bit for bit, so more recalls say little about the RTL that the tests'
    long comparison does not; they cost a second each.
    """
    patterns = spec.task.patterns
    count = len(patterns) if isinstance(patterns, tuple) else 0
    if isinstance(patterns, str):
        kind, _, argument = patterns.partition(":")
        sizes = {"letters": len(argument), "digits": argument.count(",") + 1}
        count = sizes.get(kind, int(argument) if argument.isdigit() else 0)
    return min(spec.task.trials, max(5, count))


def report(spec: Spec, stages: tuple[Stage, ...], reproduce: tuple[str, ...]) -> Stage:
    """
    Return the stage that writes the report about other stages.

    Parameters
    ----------
    spec:
        The network.
    stages:
        The stages it tells about.
    reproduce:
        Commands that make the same report again.
    """
    places = {name: place for place, name in enumerate(ORDER)}
    tools = tool_versions({tool for stage in stages for tool in stage.tools})
    python = ".".join(map(str, sys.version_info[:3]))
    return Stage(
        "report",
        "drai_hw.flow.gather:report_stage",
        inputs={
            **told(spec, "learning", "shil", "circuit", "board", geometry=geometry_of(spec)),
            "reproduce": list(reproduce),
            "tools": {"python": python, **tools},
        },
        sources=gather.SOURCES,
        tools=gather.TOOLS,
        wants=tuple(sorted((stage.name for stage in stages), key=lambda name: places[name])),
    )


def board_digest(name: str) -> str:
    """Return a digest of what a board's name stands for."""
    from drai_hw.boards.boardfile import load_board

    return digest_of(load_board(name).description())
