"""Weight stores behind one interface: which there are, and where their words stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drai_hw.model.machine import Passes
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan, plain_store
from drai_hw.rtl.sdram import SdramStore
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.spram import SpramPlan, SpramStore
from drai_hw.rtl.timing import clocks_per_pass, clocks_per_run
from drai_hw.rtl.weights import WeightStore

Plan = StorePlan | SpramPlan | SdramPlan
Store = WeightStore | SpramStore | SdramStore


def make_store(formats: Formats, plan: Plan | None, *, write_lag: int) -> Store:
    """Return the weight store of a plan; without one, block memory that synthesis cuts.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    plan : StorePlan, SpramPlan or SdramPlan, optional
        The plan.
    write_lag : int
        Clocks from the stage at which words arrive to the stage at which they are written.
    """
    if isinstance(plan, SpramPlan):
        return SpramStore(formats, plan, write_lag=write_lag)
    if isinstance(plan, SdramPlan):
        return SdramStore(formats, plan)
    return WeightStore(formats, plan)


def learning_slot_clocks(plan: Plan | None) -> int:
    """Return the clocks from slot to slot of a learning pass (see `clocks_per_pass`)."""
    return SpramStore.SLOT_CLOCKS if isinstance(plan, SpramPlan) else WeightStore.SLOT_CLOCKS


def primitive_words(plan: Plan | None, inside: str) -> list[str]:
    """Return the paths of the memories inside a vendor's primitives, which start undefined."""
    if not isinstance(plan, SpramPlan) or not plan.vendor:
        return []
    return [f"{inside}.{place.path}" for place in plan.places()]


def run_bounds(formats: Formats, plan: Plan | None, steps: int, **passes: bool) -> tuple[int, int]:
    """Return the least and the most clocks of a run; equal but for weights in SDRAM.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    plan : StorePlan, SpramPlan or SdramPlan, optional
        The weight store.
    steps : int
        Steps of the run.
    passes : bool
        Those of `drai_hw.model.machine.Passes`; by default a couple pass alone.
    """
    exact = clocks_per_run(formats, steps, slot_clocks=learning_slot_clocks(plan), **passes)
    if not isinstance(plan, SdramPlan):
        return exact, exact
    wanted = Passes(**passes)
    learning = int(wanted.coupled and wanted.learn)
    alone = clocks_per_pass(formats)
    least = most = exact - steps * wanted.count(formats) * alone
    for count, learns in ((wanted.count(formats) - learning, False), (learning, True)):
        low, high = plan.pass_clocks(alone, learning=learns)
        least += steps * count * low
        most += steps * count * high
    return least, most


def step_clocks(formats: Formats, plan: Plan | None, **passes: bool) -> int:
    """Return the clocks of one step; with weights in SDRAM, the most it takes (`run_bounds`)."""
    return run_bounds(formats, plan, 2, **passes)[1] - run_bounds(formats, plan, 1, **passes)[1]


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
