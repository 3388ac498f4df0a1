"""``python -m tools.fuzz_counts``: run all fuzzing and write its table into the page."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from drai_hw.files import write_whole

PAGE = Path("docs/reference/robustness.md")
BEGIN, END = "<!-- made by python -m tools.fuzz_counts -->\n", "<!-- end -->\n"
COUNTS_VARIABLE = "DRAI_HW_FUZZ_COUNTS"  # as in tests/conftest.py

ROWS = {
    "test_fuzz.py::test_network_files": "network files, until the model would run",
    "test_fuzz.py::test_arrays": "arrays (.npy) as patterns and as masks",
    "test_fuzz.py::test_graphs": "graph files",
    "test_fuzz.py::test_board_files": "board files",
    "test_fuzz.py::test_checkpoints": "checkpoints",
    "test_fuzz.py::test_port_maps": "port maps",
    "test_fuzz.py::test_verbs_end_with_a_status_and_leave_nothing_half_written":
        "network files through `model`, `rtl`, `spice`",
    "test_fuzz_verilog.py::test_damaged_verilog_ends_with_a_message_or_a_verdict":
        "damaged Verilog through `sim --unit` on three simulators, and `prove`",
    "test_fuzz_verilog.py::test_hostile_verilog_ends_with_a_message_or_a_verdict":
        "hostile Verilog through the same: endless loops, `$finish`, missing and endless includes",
    "test_fuzz_uart.py::test_a_host_gets_right_words_or_an_error_in_time":
        "serial line, host: answers damaged, late, slow, stale, among noise or never",
    "test_fuzz_uart.py::test_a_device_that_lies_ends_in_an_error_of_the_link_or_in_time":
        "serial line, host: a device that lies with right checksums",
    "test_boards_host_faults.py::test_many_random_faults_are_never_silently_wrong":
        "serial line, both directions: whole sessions with faults",
    "test_fuzz_uart.py::"
    "test_many_streams_into_the_compiled_bridge_write_nothing_with_a_wrong_checksum":
        "serial line, bridge in RTL (CXXRTL): byte streams, each with a good request behind it",
    "test_fuzz_uart.py::"
    "test_any_waveform_on_the_line_writes_nothing_and_a_good_frame_behind_it_is_answered":
        "serial line, receiver and bridge in RTL (CXXRTL): waveforms on the pin",
    "test_robust.py::test_an_interruption_at_any_moment":
        "SIGINT, SIGTERM, SIGHUP at random moments of 12 runs",
    "test_robust_disks.py::test_results_that_do_not_fit_are_told_and_none_is_torn":
        "a full disk for results (tmpfs), 11 runs",
    "test_robust_disks.py::test_temporary_files_that_do_not_fit_are_told":
        "a full disk for temporary files (tmpfs), 12 runs",
    "test_robust_disks.py::test_a_disk_that_fills_up_loses_nothing_of_an_earlier_run":
        "a disk that is full when results are made again, 10 runs",
    "test_robust_disks.py::test_a_read_only_place_is_told_and_left_as_it_is":
        "a read-only mount for results, 9 runs",
}  # fmt: skip
"""Tests that count cases, and what they are about."""

UNITS = {
    "frames": ("went through", "refused"),
    "streams": ("streams",),
    "waveforms": ("waveforms",),
}
"""Outcomes that are the cases of a test, by what else it counts."""


def collected(lines: list[str]) -> dict[str, tuple[Counter[str], float]]:
    """Return outcomes and seconds of each test from what the fixture ``tally`` wrote."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for line in map(json.loads, lines):
        name = line["test"].partition("[")[0].removeprefix("tests/")
        counts[name].update(line["counts"])
        seconds[name] += line["seconds"]
    return {name: (counts[name], seconds[name]) for name in counts}


def cases_of(counts: Counter[str]) -> int:
    """Return the cases among outcomes."""
    some = next((names for other, names in UNITS.items() if other in counts), None)
    return sum(counts[name] for name in some or counts)


def table(found: dict[str, tuple[Counter[str], float]]) -> str:
    """Return the table as Markdown."""
    lines = ["| what | cases | outcomes | seconds | test |", "|---|---|---|---|---|"]
    for name, what in ROWS.items():
        counts, seconds = found[name]
        outcomes = ", ".join(f"{key} {value:,}" for key, value in sorted(counts.items()))
        file, _, test = name.partition("::")
        lines.append(
            f"| {what} | {cases_of(counts):,} | {outcomes} | {seconds:,.0f} | `{file}`: `{test}` |"
        )
    total = sum(cases_of(found[name][0]) for name in ROWS)
    return "\n".join(lines) + f"\n\n{total:,} cases in all.\n"


def with_table(page: str, text: str) -> str:
    """Return the page with another table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def main(words: list[str] | None = None) -> int:
    """Run the tests and write the table; the exit status is that of the tests."""
    reader = argparse.ArgumentParser(prog="python -m tools.fuzz_counts", description=__doc__)
    reader.add_argument(
        "--from", dest="given", type=Path, nargs="+", metavar="FILE",
        help=f"counts that tests have written (variable {COUNTS_VARIABLE}); runs nothing",
    )  # fmt: skip
    given = reader.parse_args(words).given
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        if given is None:
            given = [Path(folder) / "counts"]
            status = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-m", "full", *(f"tests/{n}" for n in ROWS)],
                env=os.environ | {COUNTS_VARIABLE: str(given[0])},
                check=False,
            ).returncode
        lines = [line for path in given for line in path.read_text().splitlines()]
    found = collected(lines)
    missing = [name for name in ROWS if name not in found]
    if missing or status:
        print(f"no table was written; not counted: {', '.join(missing) or 'none'}", file=sys.stderr)
        return status or 1
    write_whole(PAGE, with_table(PAGE.read_text(encoding="utf-8"), table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
