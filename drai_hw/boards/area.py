"""Prediction of a core's area: memory blocks counted, logic from a model fitted to packed cores."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from drai_hw.boards.memories import Mapped, blocks, mapped
from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.rtl.banks import StorePlan
from drai_hw.rtl.pages import LOGIC_DEPTH as SPLIT_PAGES
from drai_hw.rtl.replica import lane_groups, replicated
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.spram import SpramPlan
from drai_hw.rtl.stores import Plan
from drai_hw.rtl.timing import page_word
from drai_hw.rtl.torque import MULTIPLIER_BITS
from drai_hw.rtl.update import mark_word

POINTS_FILE = "area.json"
_SMALL_AMPLITUDE = 2
# What a replica takes: its update unit, and its share of what lanes and memories of a core that
# learns take. Of cores of 128 oscillators with 2 and 4 replicas, packed for ECP5
# (python -m drai_hw.boards.replicas).
_REPLICA_UPDATE = {"lut": 658, "ff": 319}
_REPLICA_SHARE = {"lut": 0.582, "ff": 0.652}
BRIDGE_BUFFER = (256, 8)  # words x bits of the serial bridge's frame memory


# Controller, counters and shifters of weights in SDRAM, from one core (2,048 oscillators on 24
# lanes), not fitted to several.
SDRAM_LUT, SDRAM_FF = 1700, 100


@dataclass(frozen=True)
class Need:
    """Predicted need of a core with its serial bridge.

    Parameters
    ----------
    lut, ff, ebr, dsp, spram : int
        Counted as `drai_hw.boards.devices.Device` counts them.
    weight_bits : int
        Bits of the weight memory, padding included.
    weight_ebr : int
        The blocks among ``ebr`` that hold weights.
    """

    lut: int
    ff: int
    ebr: int
    dsp: int
    weight_bits: int
    weight_ebr: int
    spram: int = 0


def predict_area(formats: Formats, family: str, product: str, plan: Plan) -> Need:
    """Predict what a core with its serial bridge takes.

    Memory blocks and multipliers are counted, one by one. Tables and flip-flops are a linear model
    over what the core is made of, fitted to packed cores; `spread` is how far it was off there.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    family : str
        Device family.
    product : {"mul", "logic"}
        Form of the lanes' product.
    plan : StorePlan or SpramPlan
        The weight store.
    """
    found = features(formats, family, product, plan)
    model = _models()[family]
    lut, ff = (
        round(
            _of_replicas(
                resource,
                model[resource]["core"],
                sum(model[resource][name] * value for name, value in found.items()),
                formats.replicas,
            )
        )
        for resource in ("lut", "ff")
    )
    spram = plan.blocks if isinstance(plan, SpramPlan) else 0
    if isinstance(plan, SdramPlan):
        lut, ff = lut + SDRAM_LUT, ff + SDRAM_FF
        weight_ebr = 2 * mapped(family, plan.queue_words, plan.width).blocks
    else:
        weight_ebr = 0 if spram or in_logic(plan, family) else plan.blocks
    return Need(
        lut=lut,
        ff=ff,
        ebr=weight_ebr + other_blocks(formats, family),
        dsp=formats.replicas * multipliers(formats, family, product),
        weight_bits=formats.pair_slots * formats.lanes * formats.weight_bits,
        weight_ebr=weight_ebr,
        spram=spram,
    )


def _of_replicas(resource: str, core: float, one: float, replicas: int) -> float:
    """Return what a core with replicas takes, from what one core that learns takes in all."""
    if replicas == 1:
        return one
    share = _REPLICA_SHARE[resource] * (one - core)
    return core + (replicas - 1) * _REPLICA_UPDATE[resource] + replicas * share


def spread(family: str, resource: str) -> float:
    """Return the largest relative error of the fitted model over the cores it was fitted to."""
    return float(_models()[family]["spread"][resource])


def memories(formats: Formats) -> list[tuple[int, int]]:
    """List depth and width of a replica's memories."""
    pages, slots, lanes = formats.pages, formats.slots, formats.lanes
    groups = [lanes]
    if replicated(lanes) and pages <= SPLIT_PAGES:
        groups = [len(group) for group in lane_groups(lanes)]
    widths = (page_word(formats).size, formats.acc_bits)
    return [
        *((pages, count * width) for width in widths for count in groups),
        (slots, formats.accumulator_bits),
        (slots, formats.accumulator_bits),
        (slots, STRENGTH_BITS + formats.phase_bits + 2),
        (slots, mark_word(formats).size),
    ]


def other_blocks(formats: Formats, family: str) -> int:
    """Count the memory blocks besides the weights', of all replicas."""
    count = blocks(family, *BRIDGE_BUFFER)
    own = sum(mapped(family, *shape).blocks for shape in memories(formats))
    # From 8 phase bits on, the update unit's two coupling tables become block ROMs on iCE40.
    own += 2 * (formats.phase_bits >= 8 and family == "ice40")
    return count + formats.replicas * own


def in_logic(plan: Plan, family: str) -> Mapped | None:
    """Return what a weight store too small for a block becomes; None for any other."""
    if isinstance(plan, StorePlan) and len(plan.banks) == 1:
        found = mapped(family, plan.depth, plan.width)
        if found.blocks == 0:
            return found
    return None


def multipliers(formats: Formats, family: str, product: str) -> int:
    """Count a replica's multiplier blocks: those of the update unit, and the lanes'."""
    # The gain's multiplier needs a second block once the sum has outgrown the first.
    count = 3 + (formats.acc_bits > MULTIPLIER_BITS)
    if family == "gowin" and formats.table_amplitude <= _SMALL_AMPLITUDE:
        count -= 2  # products this narrow are made in logic
    if product == "mul" and family != "ice40":  # products this narrow stay in logic there
        # On Gowin a lane's product takes half a block.
        count += -(-formats.lanes // 2) if family == "gowin" else formats.lanes
    return count


def features(formats: Formats, family: str, product: str, plan: Plan) -> dict[str, float]:
    """Return what the logic grows with, each with its count."""
    lanes = formats.lanes
    amplitude_bits = formats.table_amplitude.bit_length()
    logic = product == "logic"
    kept = [mapped(family, *shape) for shape in memories(formats)]
    kept.append(in_logic(plan, family) or Mapped())
    banks = 1
    if not isinstance(plan, SdramPlan):
        banks = plan.banks if isinstance(plan, SpramPlan) else len(plan.banks)
    return {
        "core": 1,
        "lane": lanes,
        "logic_lane": lanes * logic,
        "sum_bit": lanes * formats.acc_bits,
        "weight_bit": lanes * formats.weight_bits,
        "product_bit": lanes * logic * (formats.weight_bits - 1) * amplitude_bits,
        "table_bit": lanes * (1 << formats.phase_bits - 1) * amplitude_bits / 16,
        "resonance": lanes * formats.resonance,
        "decay": lanes * formats.fades,
        "edge": lanes * formats.edge,
        "budget": lanes * formats.budget,
        "centring": lanes * formats.centring,
        "mask": lanes * formats.mask,
        # Memories too small for a block.
        "ram": sum(memory.rams for memory in kept),
        "register": sum(memory.registers for memory in kept),
        "bank_bit": lanes * formats.weight_bits * (banks - 1),
        "spram": 0,
    }


@cache
def _models() -> dict[str, Any]:
    text = (files("drai_hw.boards") / POINTS_FILE).read_text(encoding="utf-8")
    return dict(json.loads(text)["models"])
