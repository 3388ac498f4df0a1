"""From a design to a bitstream: synthesis, place and route over some seeds, packing, figures."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from drai_hw.boards.boardfile import Board
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.nextpnr import (
    RunReport,
    Use,
    path_lines,
    place_command,
    progress_text,
    read_report,
    synthesis_text,
)
from drai_hw.boards.process import Progress, run_tool
from drai_hw.boards.toolchain import Tool, find_tools
from drai_hw.errors import FitError, SpecError, ToolError
from drai_hw.files import move_together
from drai_hw.rtl.replica import REPLICA

RESULT_FILE = "board.json"
# No design of ours uses a word read in the very clock in which it is written (tests/
# test_boards_memory.py simulates such words as unknown). Saying so to synthesis saves the
# registers that would otherwise imitate "old word": about 800 logic cells of the UP5K.
COLLISION_RULE = "setparam -set COLLISION_X_MASK 1 t:$memrd_v2"
# Copies of registers stay apart. The attribute of the wire must move to the cell that drives it:
# yosys merges equal flip-flops whose wires are kept, but not flip-flops that are kept themselves.
REPLICA_RULE = f"setattr -set keep 1 a:{REPLICA} %ci1 t:$dff %i"
# nextpnr's ways to say that the device is full.
_TOO_SMALL = (
    "no BELs? remaining|Unable to find legal placement|failed to place|Failed to expand region"
)


@dataclass(frozen=True)
class BoardResult:
    """What a build gave.

    Parameters
    ----------
    bitstream : Path
        File to load; of the fastest seed.
    board, device : str
        Board and device names.
    use : dict
        ``lut``, ``ff``, ``ebr``, ``spram``, ``dsp`` with used and available counts, of that seed.
    memory_bits_used : int
        Bits of all memories the design declares, wherever the tools put them.
    fmax_hz : float
        Slowest clock of the worst seed.
    fmax_by_seed_hz : dict
        Slowest clock of each seed.
    clock_hz : float
        Frequency the system clock has on the board.
    timing_met : bool
        ``fmax_hz >= clock_hz``.
    clocks_per_step : int or None
        As given by the caller.
    steps_per_s : float or None
        ``clock_hz / clocks_per_step``.
    pnr_seeds : tuple of int
        Seeds tried.
    critical_path : tuple of str
        Start, end and make-up of the slowest register-to-register path of the worst seed.
    tools : dict
        Version of each tool.
    seconds : float
        Wall time of the whole build.
    """

    bitstream: Path
    board: str
    device: str
    use: dict[str, Use]
    memory_bits_used: int
    fmax_hz: float
    fmax_by_seed_hz: dict[int, float]
    clock_hz: float
    timing_met: bool
    clocks_per_step: int | None
    steps_per_s: float | None
    pnr_seeds: tuple[int, ...]
    critical_path: tuple[str, ...]
    tools: dict[str, str]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary of plain values, resources at the top level."""
        data = asdict(self)
        del data["use"]
        data["bitstream"] = str(self.bitstream)
        data["fmax_by_seed_hz"] = {str(k): v for k, v in self.fmax_by_seed_hz.items()}
        data["pnr_seeds"] = list(self.pnr_seeds)
        data["critical_path"] = list(self.critical_path)
        for name, use in self.use.items():
            data[name] = {"used": use.used, "available": use.available}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BoardResult:
        """Make a result of what `to_json` returned."""
        plain = dict(data)
        names = ("lut", "ff", "ebr", "spram", "dsp")
        plain["use"] = {name: Use(**plain.pop(name)) for name in names}
        plain["bitstream"] = Path(plain["bitstream"])
        plain["fmax_by_seed_hz"] = {int(k): v for k, v in plain["fmax_by_seed_hz"].items()}
        plain["pnr_seeds"] = tuple(plain["pnr_seeds"])
        plain["critical_path"] = tuple(plain["critical_path"])
        return cls(**plain)


def tool_commands(text: str) -> list[list[str]]:
    """Return the commands of synthesis, place and route, and packing of a build plan.

    Some platforms add one that marks the file for their own loader (OrangeCrab: ``dfu-suffix``);
    openFPGALoader does without.
    """
    commands: list[list[str]] = json.loads(text)["commands"]
    return commands[:3]


def build(
    design: Any,
    board: Board,
    outdir: str | Path,
    *,
    name: str = "top",
    pnr_seeds: Sequence[int] = (1,),
    clock_hz: float | None = None,
    clocks_per_step: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> BoardResult:
    """Build a bitstream of a design for a board.

    All work happens in a scratch folder inside ``outdir``. At the end the bitstream, the tools'
    logs (``<name>.yosys.log``, ``<name>.nextpnr-<seed>.log``), nextpnr's reports, the RTLIL, the
    scripts and ``board.json`` are moved into ``outdir``, each whole. After a failure only logs
    appear there; after an interrupt nothing does, and the tools have been stopped.

    A design slower than its clock still gives a result, with ``timing_met`` false.

    Parameters
    ----------
    design : Elaboratable
        Has ``rx`` and ``tx``; clock domain ``sync``. Used once: Amaranth designs are consumed.
    board : Board
        From `load_board`.
    outdir : str or Path
        Made when absent.
    name : str
        Name of the top module and of the files, letters, digits and underscores.
    pnr_seeds : sequence of int
        Seeds of place and route; one run each.
    clock_hz : float, optional
        System clock instead of the board file's; other than the oscillator's needs the PLL.
    clocks_per_step : int, optional
        Clocks per network step, for steps per second.
    progress : callable, optional
        Called with one line of text now and then.
    cancel : threading.Event, optional
        Set it from another thread to stop the build.

    Raises
    ------
    ToolError
        If a tool is missing or fails; quotes the tool's own error line.
    FitError
        If the placer finds the device too small.
    SpecError
        If design and board do not go together, or a seed list or name is not acceptable.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise SpecError(f"design name {name!r}: letters, digits and underscores are needed")
    if not pnr_seeds or len(set(pnr_seeds)) != len(pnr_seeds):
        raise SpecError(f"pnr_seeds = {tuple(pnr_seeds)!r}: at least one, all different, is needed")
    started = time.monotonic()
    tools = find_tools(board.family)
    clock = board.plan_clock(clock_hz)
    target = Path(outdir)
    target.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda text: None)
    with _scratch(target) as work:
        tell("synthesis: elaborating the design")
        plan = plan_build(design, board, clock, name)
        plan.extract(str(work))
        job = _Job(name, board, tools, work, target, progress, cancel)
        synthesis, place, pack = tool_commands(plan.files[f"build_{name}.json"])
        place = place_command(place, board.family, clock.output_hz)
        job.run("yosys", synthesis, f"{name}.yosys.log", synthesis_text)
        reports = {seed: job.place(place, seed) for seed in pnr_seeds}
        best = max(pnr_seeds, key=lambda seed: reports[seed].fmax_hz)
        worst = min(pnr_seeds, key=lambda seed: reports[seed].fmax_hz)
        text_file = place[place.index(job.family.routed) + 1]
        os.replace(work / f"{best}.{text_file}", work / text_file)
        tell("bitstream: packing")
        job.run(pack[0], pack, f"{name}.pack.log", lambda line: None)
        fmax_hz = reports[worst].fmax_hz
        result = BoardResult(
            bitstream=target / f"{name}{job.family.suffix}",
            board=board.name,
            device=board.device.name,
            use=reports[best].use,
            memory_bits_used=memory_bits(plan.files[f"{name}.il"]),
            fmax_hz=fmax_hz,
            fmax_by_seed_hz={seed: reports[seed].fmax_hz for seed in pnr_seeds},
            clock_hz=clock.output_hz,
            timing_met=fmax_hz >= clock.output_hz,
            clocks_per_step=clocks_per_step,
            steps_per_s=clock.output_hz / clocks_per_step if clocks_per_step else None,
            pnr_seeds=tuple(pnr_seeds),
            critical_path=path_lines(reports[worst]),
            tools=tool_versions(tools),
            seconds=round(time.monotonic() - started, 3),
        )
        text = json.dumps(result.to_json(), indent=2) + "\n"
        (work / RESULT_FILE).write_text(text, encoding="utf-8")
        job.deliver(RESULT_FILE)
    return result


def tool_versions(tools: Mapping[str, Tool]) -> dict[str, str]:
    """Collect the versions that decide a bitstream, Amaranth's included."""
    versions = {name: tool.version for name, tool in tools.items()}
    for package in ("amaranth", "amaranth-boards"):
        versions[package] = metadata.version(package)
    return dict(sorted(versions.items()))


def memory_bits(rtlil: str | bytes) -> int:
    """Add up the memories declared in an RTLIL text, in bits."""
    text = rtlil.decode() if isinstance(rtlil, bytes) else rtlil
    total = 0
    for line in re.findall(r"^\s*memory (.*)$", text, re.MULTILINE):
        width = re.search(r"\bwidth (\d+)", line)
        size = re.search(r"\bsize (\d+)", line)
        total += (int(width[1]) if width else 1) * (int(size[1]) if size else 1)
    return total


class _Job:
    """The tools, folders and listeners of one build."""

    def __init__(
        self,
        name: str,
        board: Board,
        tools: dict[str, Tool],
        work: Path,
        target: Path,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> None:
        self.name, self.board, self.tools = name, board, tools
        self.family = FAMILIES[board.family]
        self.work, self.target = work, target
        self.progress, self.cancel = progress, cancel
        temporary = work / "tmp"
        temporary.mkdir()
        # What a killed tool leaves in its temporary folder goes with the scratch folder.
        self.environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}

    def run(
        self, tool: str, command: Sequence[str], log: str, watch: Callable[[str], str | None]
    ) -> None:
        """Run one planned command; on failure leave its log in the output folder."""
        quiet = [word for word in command[1:] if word not in ("-q", "--quiet")]
        try:
            run_tool(
                tool,
                [*self.tools[tool].command, *quiet],
                cwd=self.work,
                log=self.work / log,
                interesting=watch,
                progress=self.progress,
                cancel=self.cancel,
                environment=self.environment,
            )
        except ToolError as error:
            shutil.copy(self.work / log, self.target / f"{log}.part")
            os.replace(self.target / f"{log}.part", self.target / log)
            raise _sharper(error, self.board) from None

    def place(self, command: Sequence[str], seed: int) -> RunReport:
        """Place and route with one seed, keeping its files apart from the other seeds'."""
        tool = command[0]
        words = list(command)
        option = words.index(self.family.routed) + 1
        words[option] = f"{seed}.{words[option]}"
        words[words.index("--log") + 1] = f"{self.name}.{seed}.tim"
        report = f"{self.name}.nextpnr-{seed}.json"
        words += ["--seed", str(seed), "--report", report, "--timing-allow-fail"]
        log = f"{self.name}.nextpnr-{seed}.log"
        self.run(tool, words, log, progress_text)
        return read_report(self.work / report, self.work / log, self.board.device)

    def deliver(self, last: str) -> None:
        """Move what is worth keeping to the output folder, the file ``last`` at the end."""
        patterns = ("*.log", "*.nextpnr-*.json", "*.il", "*.ys", "*.lpf", "*.pcf", "*.cst")
        files = sorted({file for pattern in patterns for file in self.work.glob(pattern)})
        files.append(self.work / f"{self.name}{self.family.suffix}")
        move_together({file: self.target / file.name for file in [*files, self.work / last]})


def plan_build(design: Any, board: Board, clock: Any, name: str) -> Any:
    """Elaborate a design on the board's Amaranth platform and return the plan of its build."""
    from drai_hw.boards.wrapper import BoardTop, check_design, make_platform

    check_design(design, clock)

    overrides = {
        "synth_opts": board.options.synth,
        "nextpnr_opts": board.options.pnr,
        "script_after_read": f"{COLLISION_RULE}\n{REPLICA_RULE}",
        # Older nextpnr versions have no cell for the scope markers of newer yosys.
        "script_after_synth": "delete t:$scopeinfo",
    }
    platform = make_platform(board)
    top = BoardTop(design, board, clock)
    with warnings.catch_warnings():
        # Amaranth objects that a failed or repeated elaboration leaves unused are no finding.
        warnings.simplefilter("ignore")
        return platform.prepare(top, name, emit_src=False, **overrides)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """Give a scratch folder inside ``target`` that is gone afterwards, come what may."""
    with tempfile.TemporaryDirectory(
        prefix=".building-", dir=target, ignore_cleanup_errors=True
    ) as work:
        yield Path(work).resolve()


def _sharper(error: ToolError, board: Board) -> ToolError | FitError:
    """Turn 'too small' verdicts of the placer into the error class that says so."""
    text = str(error)
    if re.search(_TOO_SMALL, text, re.IGNORECASE):
        device = board.device
        return FitError(
            f"the design does not fit {board.name} ({device.name}: {device.lut} LUT, "
            f"{device.ebr} EBR, {device.dsp} DSP): {text}. Use fewer lanes, smaller formats or "
            "a larger board"
        )
    return error
