"""The page of functional coverage: `python -m drai_hw.sim.units.coverage_page`."""

from __future__ import annotations

import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import UNITS
from drai_hw.model.unit_rules import rule_of
from drai_hw.sim.units.coverage import measure
from drai_hw.sim.units.stimulus import scenarios
from drai_hw.sim.units.verify import SAMPLES

PAGE = Path("docs/reference/unit-coverage.md")
COMMAND = "python -m drai_hw.sim.units.coverage_page"
SEED = 1
DRAIN_CLOCKS = 4
"""Rest behind the last sample of a part, as for a unit with a latency of 2 clocks."""
FORMATS = Formats(
    n=35, lanes=8, pages=5, resonance=True, theta_r=4, decay=True, budget=True, centring=True,
    mask=True, g="gaussian",
)  # fmt: skip
"""All features that a unit may have, at the size of `letters`."""
_HEAD = f"""# Functional coverage of the unit benches

Made by `{COMMAND}`: how often each situation comes up in the
test of a unit with all features at the size of `letters`, seed {SEED}, {SAMPLES:,} samples
without gaps (`drai-hw sim --unit`; clocks that look for the latency are not counted). A goal is
met if the situation comes up at all; `coverage_missed` names those that did not. Tests hold the
goals for other features and sizes, too.
"""


def page() -> str:
    """Return the text of the page."""
    text = _HEAD
    for unit in UNITS:
        rule = rule_of(unit, FORMATS)
        parts = scenarios(rule, SEED, SAMPLES, DRAIN_CLOCKS)
        cycles = [cycle for _, part in parts for cycle in part]
        counts = measure(rule, cycles)
        met = sum(bool(count) for count in counts.values())
        text += f"\n## {unit}\n\n{met} of {len(counts)} situations in {len(cycles):,} clocks.\n\n"
        text += "| situation | clocks |\n|---|---|\n"
        for name, count in counts.items():
            text += f"| {name.replace('|', chr(92) + '|')} | {count:,} |\n"
    return text


def main(arguments: list[str]) -> int:
    """Write the page."""
    write_whole(Path(arguments[0]) if arguments else PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
