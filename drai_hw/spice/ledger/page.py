"""The page of the energy ledger, written from its parts, and the limits of its comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drai_hw.spice.energy import BALANCE_LIMIT
from drai_hw.spice.ledger.backprop import SOURCE
from drai_hw.spice.ledger.parts import TRIALS
from drai_hw.spice.ledger.recalls import CYCLES, RHO, SIZES, Recall, fit
from drai_hw.spice.transistors import SETS as TRANSISTORS
from drai_hw.units import si

RING_LIMIT, TANK_LIMIT, LAW_LIMIT, COUPLING_LIMIT, REST_LIMIT = 0.02, 0.02, 0.10, 0.01, 0.01
PUBLISHED = (
    ("ODIN", 12.7), ("ReckOn", 5.3), ("Loihi", 23.6), ("SpiNNaker", 45.0), ("SpiNNaker2", 10.0),
    ("SENECA", 2.8), ("Tianjic", 1.54), ("TrueNorth", 2.5),
)  # fmt: skip
"""pJ per synaptic operation, as the table of PMC10326429 collects them."""
SETS = tuple(TRANSISTORS)

Parts = dict[str, dict[str, Any]]
Rows = list[list[Any]]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def percent(share: float, digits: int = 2) -> str:
    """Return a share with its sign in per cent."""
    return f"{100 * share:+.{digits}f} %"


def faults(parts: Parts) -> list[str]:
    """Return every comparison that is beyond its limit; empty when all hold."""
    found = []

    def check(what: str, value: float, limit: float) -> None:
        if not abs(value) <= limit:
            found.append(f"{what}: {percent(value)}, allowed is {100 * limit:g} %")

    for name in SETS:
        for row in parts.get(f"ring-{name}", {}).get("rows", []):
            what = f"ring of {name}, {row['stages']} stages"
            check(f"{what}, balance", row["balance"], BALANCE_LIMIT)
            check(f"{what}, S C V V", row["supply_j"] / row["closed_j"] - 1.0, RING_LIMIT)
            check(f"{what}, rest", row["split_j"]["rest"] / row["supply_j"], REST_LIMIT)
        seen = _recalls(name, parts)
        if "law" in seen:
            off = seen["predicted_j"] / seen["measured_j"] - 1.0
            check(f"law of recalls in {name}", off, LAW_LIMIT)
        for row in seen["runs"]:
            if row.balance is not None:
                check(f"recall in {name}, N = {row.n}, balance", row.balance, BALANCE_LIMIT)
    tank = parts.get("tank", {})
    if "supply_j" in tank:
        check("tank, balance", tank["balance"], BALANCE_LIMIT)
        check("tank, supply", tank["supply_j"] / tank["closed_j"] - 1.0, TANK_LIMIT)
        off = tank["amplitude_v"] / tank["closed_amplitude_v"] - 1.0
        check("tank, amplitude", off, TANK_LIMIT)
    if "worst" in parts.get("coupling", {}):
        check("coupling", parts["coupling"]["worst"], COUPLING_LIMIT)
        check("coupling, balance", parts["coupling"]["balance"], BALANCE_LIMIT)
    for row in parts.get("updates", {}).get("rows", []):
        check(f"update of {row['model']}, balance", row["balance"], BALANCE_LIMIT)
    for name in ("synapse", "pattern"):
        if "balance" in parts.get(name, {}):
            check(f"{name}, balance", parts[name]["balance"], BALANCE_LIMIT)
    return found


def text(parts: Parts) -> str:
    """Return the page."""
    frame = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    return frame.format_map(_words(parts) | _tables(parts)).rstrip("\n") + "\n"


def _words(parts: Parts) -> dict[str, str]:
    """Return the figures that stand in sentences."""
    tank, coupling, read = parts["tank"], parts["coupling"], parts["read"]
    synapse, learned = parts["synapse"], parts["learned"]
    counters, pattern = learned["counters"], parts["pattern"]
    return {
        "source": SOURCE,
        "published": ", ".join(f"{name} {value:g}" for name, value in PUBLISHED),
        "cycles": f"{CYCLES}",
        "rho": f"{RHO:g}",
        "sizes": ", ".join(map(str, SIZES)),
        "tank_q": f"{tank['q']:.3g}",
        "tank_vdd": f"{tank['supply_v']:g}",
        "tank_heat": _heat(tank),
        "tank_balance": percent(tank["balance"], 4),
        "tank_factor": f"{tank['supply_j'] / tank['heat_j']['tank loss']:.1f}",
        "branch": si(coupling["branch_s"], "S"),
        "buffer_out": si(parts["buffer-level1"]["out_f"], "F"),
        "coupling_worst": f"{100 * coupling['worst']:.3f}",
        "coupling_balance": percent(coupling["balance"], 4),
        "read_devices": f"{read['devices']:,}",
        "read_energy": si(read["energy_j"], "J"),
        "read_each": si(read["energy_j"] / read["pairs"], "J"),
        "read_pairs": f"{read['pairs']:,}",
        "read_share": f"{100 * read['device_share']:.1f}",
        "read_differ": f"{read['currents_differ']:.0e}",
        "pulses": f"{synapse['pulses']}",
        "synapse_each": si(synapse["per_update_j"], "J"),
        "synapse_device": si(synapse["device_j"], "J"),
        "synapse_balance": percent(synapse["balance"], 4),
        "taught": pattern["title"].split(",")[1].strip(),
        "taught_j": si(pattern["learning_j"], "J"),
        "taught_changed": f"{pattern['changed']}",
        "taught_written": f"{pattern['written']}",
        "taught_each": si(pattern["per_changed_j"], "J"),
        "taught_issued": si(pattern["per_written_j"], "J"),
        "taught_device": si(pattern["device_j"], "J"),
        "taught_balance": percent(pattern["balance"], 4),
        "letters": f"{learned['patterns']}",
        "presentations": f"{learned['presentations']}",
        "written": f"{counters['written']:,}",
        "changed": f"{counters['changed']:,}",
        "changed_each": f"{counters['changed'] / learned['patterns']:,.0f}",
        "landauer": f"{1e21 * parts['noise']['landauer_j']:.2f}",
    }


def _tables(parts: Parts) -> dict[str, str]:
    """Return the tables."""
    couplings = [
        [f"{psi:.2f}", si(heat, "J"), si(closed, "J")]
        for psi, heat, closed in parts["coupling"]["rows"]
    ]
    pulse = ("device", "pulse", "length", "change, 1/31", "from the driver", "device", "switch")
    ring = ("ring", "frequency", "supply energy", "C at mid-rail", "V_swing", "S C V_dd V_swing")
    return {
        "ring_table": table((*ring, "difference", "balance"), _rings(parts)),
        "split_table": table(
            ("ring", "C(V)", "short circuit", "leakage", "returned", "rest"), _splits(parts)
        ),
        "tank_table": table(
            ("quantity", "ngspice", "closed form", "", "difference"), _tank(parts["tank"])
        ),
        "buffer_table": table(
            ("transistors", "both buffers", "2 C VDD² of the outputs", "ring"), _buffers(parts)
        ),
        "coupling_table": table(("ψ, rad", "ngspice", "closed form"), couplings),
        "update_table": table((*pulse, "balance"), _updates(parts["updates"])),
        "synapse_table": table(("source", "delivers", "kind"), _synapse(parts["synapse"])),
        "taught_table": table(("source", "delivers"), sources(parts["pattern"])),
        "recalls": "\n".join(_told(_recalls(name, parts)) for name in SETS),
        "pattern_table": table(("device", "programming energy a pattern"), _patterns(parts)),
        "beside_table": table(("what", "accuracy", "energy", "how", "technology"), _beside(parts)),
        "noise_table": table(
            ("oscillator", "Q", "F", "σ, rad", "bound", "supply energy over it"), _noise(parts)
        ),
    }


def _told(seen: dict[str, Any]) -> str:
    """Return the paragraph of the recalls in one set of transistors."""
    if "missing" in seen:
        return f"`{seen['name']}` not made: {seen['missing']}\n"
    head = ("N", "exact", "settled, cycle", "supply energy", "per ring and cycle", "in couplings")
    law = seen["law"]
    return (
        f"`{seen['name']}` ({seen['title']}):\n\n{table((*head, 'balance'), seen['rows'])}\n"
        f"E = {si(law.factor_j, 'J', 4)} · N^{law.exponent:.4f}: at N = 35 "
        f"{si(seen['predicted_j'], 'J', 4)}, the runs {si(seen['measured_j'], 'J', 4)}, "
        f"{percent(seen['predicted_j'] / seen['measured_j'] - 1)}. Exact {seen['exact']} of "
        f"{seen['trials']} starts of `letters`.\nThe balance is measured up to N = 4, where every "
        "current and charge is saved.\n"
    )


def _rings(parts: Parts) -> Rows:
    rows: Rows = []
    for name in SETS:
        part = parts[f"ring-{name}"]
        if "rows" not in part:
            rows.append([name, f"not made: {part['missing']}", *[""] * 6])
        for row in part.get("rows", []):
            rows.append(
                [f"{name}, S = {row['stages']}", si(row["frequency_hz"], "Hz", 4),
                 f"**{si(row['supply_j'], 'J', 4)}**", si(row["capacitance_f"], "F", 4),
                 f"{row['swing_v']:.3f} V", si(row["closed_j"], "J", 4),
                 percent(row["supply_j"] / row["closed_j"] - 1.0), percent(row["balance"], 3)]
            )  # fmt: skip
    return rows


def _buffers(parts: Parts) -> Rows:
    rows: Rows = []
    for name in SETS:
        part = parts[f"buffer-{name}"]
        if "missing" in part:
            rows.append([name, f"not made: {part['missing']}", "", ""])
            continue
        supply, closed, ring = (si(part[k], "J") for k in ("supply_j", "closed_j", "ring_j"))
        rows.append([name, f"**{supply}**", closed, ring])
    return rows


def _splits(parts: Parts) -> Rows:
    return [
        [f"{name}, S = {row['stages']}",
         *(percent(joule / row["supply_j"]) for joule in row["split_j"].values())]
        for name in SETS for row in parts[f"ring-{name}"].get("rows", [])
    ]  # fmt: skip


def _tank(tank: dict[str, Any]) -> Rows:
    def off(measured: float, closed: float) -> str:
        return percent(measured / closed - 1.0, 4)

    volt, closed_v = tank["amplitude_v"], tank["closed_amplitude_v"]
    return [
        ["supply energy per cycle", f"**{si(tank['supply_j'], 'J', 5)}**",
         "V_dd (I_tail + I_ref)/f", si(tank["closed_j"], "J", 5),
         off(tank["supply_j"], tank["closed_j"])],
        ["amplitude between the sides", si(volt, "V", 5), "describing function of the pair",
         si(closed_v, "V", 5), off(volt, closed_v)],
        ["frequency", si(tank["frequency_hz"], "Hz", 6), "1/(2π √(LC/2))",
         si(tank["closed_hz"], "Hz", 6), off(tank["frequency_hz"], tank["closed_hz"])],
    ]  # fmt: skip


def _heat(tank: dict[str, Any]) -> str:
    shares = {name: 100 * joule / tank["supply_j"] for name, joule in tank["heat_j"].items()}
    return ", ".join(f"{name} {share:.1f} %" for name, share in shares.items())


def _updates(part: dict[str, Any]) -> Rows:
    return [
        [row["model"], f"{row['write_v']:+g} V", si(row["width_s"], "s"),
         f"{row['changed'] * 31:.4f}", f"**{si(row['delivered_j'], 'J')}**",
         si(row["device_j"], "J"), si(row["switch_j"], "J"), percent(row["balance"], 4)]
        for row in part["rows"]
    ]  # fmt: skip


def _synapse(part: dict[str, Any]) -> Rows:
    return [
        [name, si(joule / part["pulses"], "J"), "behavioural"]
        for name, joule in part["delivered_j"].items()
    ]


def _recalls(name: str, parts: Parts) -> dict[str, Any]:
    """Return rows, law and means of the recalls in a set of transistors, or what is missing."""
    small = [parts.get(f"recall-{name}-{n}", {}) for n in SIZES]
    large = [parts.get(f"recall-{name}-letters-{k}", {}) for k in range(TRIALS)]
    for part in (*small, *large):
        if "supply_j" not in part:
            why = part.get("missing", "not run")
            return {"name": name, "missing": why, "runs": []}
    fitted = [Recall(**part) for part in small]
    held_out = [Recall(**part) for part in large]
    law = fit(fitted)
    rows = [
        [each.n, "yes" if each.exact else "no",
         "no" if each.settled_cycle is None else each.settled_cycle,
         si(each.supply_j, "J", 4), si(each.per_cycle_j, "J", 4),
         f"{100 * each.coupling_j / each.supply_j:.2f} %",
         "" if each.balance is None else percent(each.balance, 3)]
        for each in (*fitted, *held_out)
    ]  # fmt: skip
    return {
        "name": name,
        "title": TRANSISTORS[name].title,
        "rows": rows,
        "runs": [*fitted, *held_out],
        "law": law,
        "predicted_j": law.at(held_out[0].n),
        "measured_j": sum(each.supply_j for each in held_out) / len(held_out),
        "exact": sum(each.exact for each in held_out),
        "trials": len(held_out),
    }


def sources(energy: dict[str, Any]) -> Rows:
    """Return a row for each source of a network that learns."""
    return [[name, si(joule, "J")] for name, joule in energy["delivered_j"].items()]


def _patterns(parts: Parts) -> Rows:
    learned = parts["learned"]
    each = learned["counters"]["changed"] / learned["patterns"]
    return [
        [f"{row['model']}, {row['write_v']:+g} V", si(row["delivered_j"] * each, "J")]
        for row in parts["updates"]["rows"]
    ]


def _beside(parts: Parts) -> Rows:
    rows: Rows = []
    recalls = _recalls("gf180mcu", parts)
    if "law" in recalls:
        rows.append(
            ["rings of gf180mcu, a recall of `letters`",
             f"{recalls['exact']} of {recalls['trials']} starts",
             si(recalls["measured_j"], "J"),
             "simulated: supply, start-up; no wiring, read-out, weight writing", "180 nm, 3.3 V"]
        )  # fmt: skip
    trained = parts["backprop"]["rows"]
    recall = min(trained, key=lambda row: float(row["recall_j"]))
    train = min(trained, key=lambda row: float(row["train_j"]))
    activity = parts["activity"]
    counted = "counted operations × published energy; no memory, control, leakage"
    rows += [
        [f"auto-encoder by back-propagation, {recall['hidden']} hidden units, a recall",
         f"all of {parts['backprop']['starts']} starts", si(recall["recall_j"], "J"), counted,
         "45 nm, 0.9 V"],
        [f"its training, {train['hidden']} hidden units, {train['samples']} samples",
         f"all of {parts['backprop']['starts']} starts", si(train["train_j"], "J"), counted,
         "45 nm, 0.9 V"],
        ["FPGA core, a recall", f"{100 * activity['exact_rate']:.0f} % of starts",
         "no figure: open tools have no model of power, and no published energy per toggle of "
         "these devices was found",
         f"activity: {activity['steps']} steps of {activity['pairs_per_step']} pairs, "
         f"{activity['phase_bits_per_step']:.0f} toggles of the phase memory in each", "ECP5"],
    ]  # fmt: skip
    return rows


def _noise(parts: Parts) -> Rows:
    mine = {"tank": parts["tank"].get("supply_j")}
    rings = parts["ring-gf180mcu"].get("rows", [])
    mine["ring"] = rings[0]["supply_j"] if rings else None
    return [
        [row["what"], f"{row['q']:g}", f"{row['factor']:g}", f"{row['sigma_rad']:g}",
         si(row["bound_j"], "J"),
         f"{mine[row['what']] / row['bound_j']:.2g}" if mine[row["what"]] else "not made"]
        for row in parts["noise"]["rows"]
    ]  # fmt: skip
