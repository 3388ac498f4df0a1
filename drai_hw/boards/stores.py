"""The weight store of a core on a device: which memories, and how they are cut into blocks."""

from __future__ import annotations

from typing import Any

from drai_hw.boards.area import in_logic, other_blocks
from drai_hw.boards.devices import Device
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.memories import mapped
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import plan_store
from drai_hw.rtl.sdram_controller import BEAT_BITS
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.spram import BLOCK_BITS, BLOCK_WORDS, SpramPlan
from drai_hw.rtl.stores import Plan, step_clocks


def plan_weights(formats: Formats, device: Device, external: SdramPlan | None = None) -> Plan:
    """Plan where a core's weights go on a device.

    In block memory, cut into as few banks as find room beside the other memories: then learning
    costs no clocks. Else in the device's large single-port memories, if it has some and they
    suffice; else in external memory; else in the first cut that comes: the caller compares.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    device : Device
        Its memory blocks, less those that the rest of the core takes.
    external : SdramPlan, optional
        The weights in the board's SDRAM, if it may be used and holds them.
    """
    depth, width = formats.pair_slots, formats.lanes * formats.weight_bits
    family = FAMILIES[device.family]
    free = device.ebr - other_blocks(formats, device.family)
    blocks = None
    if depth * width <= free * device.ebr_bits:
        blocks = plan_store(depth, width, family.shapes, free)
        whole = mapped(device.family, depth, width).shape
        if whole and not family.cut:  # synthesis cuts it
            blocks = plan_store(depth, width, [whole])
    single_port = single_port_plan(formats, device)
    if single_port and (blocks is None or blocks.blocks > free):
        return single_port
    if external and (blocks is None or blocks.blocks > free):
        return external
    if blocks is None:
        blocks = plan_store(depth, width, family.shapes)  # no way of cutting helps: the first
    return blocks


def single_port_plan(formats: Formats, device: Device) -> SpramPlan | None:
    """Return the weights' plan in a device's large single-port memories.

    None if it has none, or too few for the width and number of the words.
    """
    plan = SpramPlan(formats.pair_slots, formats.lanes * formats.weight_bits)
    return plan if plan.blocks <= device.spram else None


def learning_clocks(formats: Formats, plan: Plan | None) -> int:
    """Return the clocks of a learning step with a store, without a field pass."""
    return step_clocks(formats, plan, learn=True)


def describe_store(plan: Plan, family: str) -> dict[str, Any]:
    """Return kind, blocks, banks and shapes of a plan as plain values.

    Returns
    -------
    dict
        ``kind`` (``"ebr"``, ``"spram"``, ``"sdram"`` or ``"logic"``), ``blocks``, ``banks``, and
        ``shapes``: words and bits of a block of each bank.
    """
    if isinstance(plan, SpramPlan):
        shapes = [[BLOCK_WORDS, BLOCK_BITS]] * plan.banks
        return {"kind": "spram", "blocks": plan.blocks, "banks": plan.banks, "shapes": shapes}
    if isinstance(plan, SdramPlan):
        shape = [plan.depth * plan.beats, BEAT_BITS]
        return {"kind": "sdram", "blocks": 1, "banks": 1, "shapes": [shape]}
    if in_logic(plan, family) is not None:
        return {"kind": "logic", "blocks": 0, "banks": 1, "shapes": [[plan.depth, plan.width]]}
    return {
        "kind": "ebr",
        "blocks": plan.blocks,
        "banks": len(plan.banks),
        "shapes": [_shape(bank.words, max(bank.slices), family) for bank in plan.banks],
    }


def store_text(plan: Plan, family: str) -> str:
    """Say a plan in words."""
    found = describe_store(plan, family)
    if found["kind"] == "logic":
        return f"logic: {plan.depth} x {plan.width} bit are too few for a block"
    if found["kind"] == "sdram":
        assert isinstance(plan, SdramPlan)
        return f"SDRAM: {plan.depth} words of {plan.beats} x {BEAT_BITS} bit"
    shapes = dict.fromkeys(f"{depth} x {width}" for depth, width in found["shapes"])
    banks = f" in {found['banks']} banks" if found["banks"] > 1 else ""
    return f"{found['blocks']} {found['kind'].upper()} of {' and '.join(shapes)} bit{banks}"


def _shape(words: int, bits: int, family: str) -> list[int]:
    """Return the block that a bank's slices were cut for: the narrowest that holds one."""
    fitting = [(d, w) for d, w in FAMILIES[family].shapes if d >= words and w >= bits]
    depth, width = min(fitting, key=lambda shape: shape[1], default=(words, bits))
    return [depth, width]
