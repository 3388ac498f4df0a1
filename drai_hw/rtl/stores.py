"""Weight stores behind one interface: which there are, and where their words stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan, plain_store
from drai_hw.rtl.spram import SpramPlan, SpramStore
from drai_hw.rtl.weights import WeightStore

Plan = StorePlan | SpramPlan
Store = WeightStore | SpramStore


def make_store(formats: Formats, plan: Plan | None, *, write_lag: int) -> Store:
    """Return the weight store of a plan; without one, block memory that synthesis cuts.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    plan : StorePlan or SpramPlan, optional
        The plan.
    write_lag : int
        Clocks from the stage at which words arrive to the stage at which they are written.
    """
    if isinstance(plan, SpramPlan):
        return SpramStore(formats, plan, write_lag=write_lag)
    return WeightStore(formats, plan)


def learning_slot_clocks(plan: Plan | None) -> int:
    """Return the clocks from slot to slot of a learning pass (see `clocks_per_pass`)."""
    return SpramStore.SLOT_CLOCKS if isinstance(plan, SpramPlan) else WeightStore.SLOT_CLOCKS


def primitive_words(plan: Plan | None, inside: str) -> list[str]:
    """Return the paths of the memories inside a vendor's primitives, which start undefined."""
    if not isinstance(plan, SpramPlan) or not plan.vendor:
        return []
    return [f"{inside}.{place.path}" for place in plan.places()]


def weight_memory(formats: Formats, plan: Plan | None, inside: str) -> dict[str, Any]:
    """Describe where the weights stand in a simulated design, whose store is ``inside``.

    Returns
    -------
    dict
        ``depth`` and ``fields``, the lanes of a word. If one memory holds them all, ``path``; else
        ``pieces``, each with ``path``, its ``first_word`` and ``words``, ``first_bit`` and
        ``bits`` of the words that it holds.
    """
    width = formats.weight_bits
    fields = {
        f"lane_{lane}": {"first_bit": lane * width, "bits": width} for lane in range(formats.lanes)
    }
    out: dict[str, Any] = {"depth": formats.pair_slots, "fields": fields}
    plan = plan or plain_store(formats.pair_slots, formats.lanes * width)
    places = plan.places()
    if len(places) == 1:
        return {"path": f"{inside}.{places[0].path}", **out}
    return out | {
        "pieces": [{**asdict(place), "path": f"{inside}.{place.path}"} for place in places]
    }
