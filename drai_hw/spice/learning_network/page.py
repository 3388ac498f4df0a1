"""The page of networks that learn, written from kept runs, and the limits that it holds them to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drai_hw.spice.energy import BALANCE_LIMIT
from drai_hw.spice.learning_network.cases import shown
from drai_hw.spice.ledger.page import percent, sources, table
from drai_hw.units import si

ERROR_LIMIT, RAIL, THERE, AWAY, APART_RAD = 0.05, 0.05, 0.95, 0.8, 0.1
Parts = dict[str, dict[str, Any]]
Rows = list[list[Any]]


def faults(parts: Parts) -> list[str]:
    """Return everything that is not as it has to be; empty when all is."""
    found = []
    for name, part in parts.items():
        if "missing" in part:
            continue
        for row in part["learned"]:
            worst = max(map(abs, row["errors"]))
            if not worst <= ERROR_LIMIT:
                found.append(f"{name}: change of a weight {percent(worst)} from the rule, allowed "
                             f"is {100 * ERROR_LIMIT:g} %")  # fmt: skip
        if part["counters"] != part["ruled"]:
            found.append(f"{name}: pulses {part['counters']}, by the rule {part['ruled']}")
        for freed in part["freed"]:
            after, there = freed["learned"], freed["exact"] and freed["end"] >= THERE
            if part["recalls"] and after and not there:
                found.append(f"{name}: not recalled, order {freed['end']:.3f}")
            if part["recalls"] and after and freed["apart_rad"] > APART_RAD:
                found.append(f"{name}: {freed['apart_rad']:.3f} rad from the phase model, allowed "
                             f"is {APART_RAD:g}")  # fmt: skip
            if freed["start"] > AWAY and (part["recalls"] or not after):
                found.append(f"{name}: order {freed['start']:.3f} at the start: no wrong start")
            if not after and there:
                found.append(f"{name}: comes to the pattern without having learned it")
        if "energy" in part and not abs(part["energy"]["balance"]) <= BALANCE_LIMIT:
            found.append(f"{name}: balance {percent(part['energy']['balance'])}, allowed is "
                         f"{100 * BALANCE_LIMIT:g} %")  # fmt: skip
        if not RAIL <= part["states"][0] <= part["states"][1] <= 1.0 - RAIL:
            found.append(f"{name}: states from {part['states'][0]:.3f} to {part['states'][1]:.3f}, "
                         f"allowed is {RAIL:g} to {1 - RAIL:g}")  # fmt: skip
    return found


def learned_rows(parts: Parts) -> Rows:
    """Return a row for each stage with pulses."""
    rows = []
    for part in parts.values():
        for row in part["learned"]:
            size = sorted(abs(w) for w in row["rule"])
            low, high = (f"{100 * way:.0f}" for way in row["travel"])
            errors = sorted(row["errors"], key=abs)
            rows.append([part["title"], shown(row["shown"]), len(size),
                         f"{size[0] / 1e3:.1f} to {size[-1] / 1e3:.1f}", f"{low} to {high} %",
                         f"**{percent(errors[-1], 1)}**"])  # fmt: skip
    return rows


def freed_rows(parts: Parts) -> Rows:
    """Return a row for each stage with free tanks."""
    return [
        [part["title"], "after" if freed["learned"] else "before",
         f"{freed['start']:.2f} to {freed['end']:.3f}", "yes" if freed["exact"] else "no",
         f"{freed['apart_rad']:.3f}", f"{freed['blind_rad']:.3f}"]
        for part in parts.values()
        for freed in part["freed"]
    ]  # fmt: skip


def synapse_rows(part: dict[str, Any]) -> Rows:
    """Return a row for each synapse of a part, over all its stages with pulses."""
    rows = []
    for k, (i, j) in enumerate(part["pairs"]):
        steps = [
            f"{row['circuit'][k] / 1e3:+.2f} ({row['rule'][k] / 1e3:+.2f})"
            for row in part["learned"]
        ]
        last = part["learned"][-1]
        rows.append([f"{i + 1}-{j + 1}", f"{part['learned'][0]['before'][k] / 1e3:+.2f}", *steps,
                     f"{(last['before'][k] + last['circuit'][k]) / 1e3:+.2f}"])  # fmt: skip
    return rows


def _synapses(part: dict[str, Any]) -> str:
    shows = [f"shown {shown(row['shown'])}" for row in part["learned"]]
    return table(("pair", "w before", *shows, "w after"), synapse_rows(part))


def text(parts: Parts) -> str:
    """Return the page from all parts."""
    frame = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    made = {name: part for name, part in parts.items() if "missing" not in part}
    missing = [f"{name} was not made: {part['missing']}\n"
               for name, part in parts.items() if "missing" in part]  # fmt: skip
    learn = ("network", "shown", "synapses", "change of w, krad/s", "way of memristors",
             "largest error")  # fmt: skip
    free = ("network", "learning", "order", "recalled", "from the model, rad", "without weights")
    first, crossbar = made.get("four-1"), made.get("two-by-two")
    words = {
        "learned_table": table(learn, learned_rows(made)),
        "freed_table": table(free, freed_rows(made)),
        "missing": "\n".join(missing),
        "first_table": _synapses(first) if first else "not made\n",
        "crossbar_table": _synapses(crossbar) if crossbar else "not made\n",
        "energy": _energy(first["energy"]) if first else "not made\n",
    }
    return frame.format_map(words).rstrip("\n") + "\n"


def _energy(energy: dict[str, Any]) -> str:
    learning, changed, written, device = (
        si(energy[key], "J") for key in ("learning_j", "per_changed_j", "per_written_j", "device_j")
    )
    return table(("source", "delivers"), sources(energy)) + (
        f"\nLearning energy, detectors, phase shifters and drivers: **{learning}** the pattern, "
        f"{changed} for each of\n{energy['changed']} changes of a memristor and {written} for each "
        f"of {energy['written']} pulses issued. Heat in the memristors\nalone: {device}. Balance "
        f"{percent(energy['balance'], 4)}.\n"
    )
