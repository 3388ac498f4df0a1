"""Stages `model` and `twin`: the task in floating point and in the integers of the hardware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drai_hw.flow.network import formats_of, save, spec_of
from drai_hw.flow.stages import Context
from drai_hw.model import tasks
from drai_hw.model.compiled import fastest
from drai_hw.model.reference import Reference
from drai_hw.model.tasks import Learned, Locked, Recalled, Trials
from drai_hw.spec import Patterns, Spec

SOURCES = ("drai_hw.units", "drai_hw.spec", "drai_hw.model", "drai_hw.flow.network", __name__)
TOOLS = ("numpy", "scipy", "luma.core", "scikit-learn")


def model_stage(context: Context) -> Mapping[str, Any]:
    """Run the task on the float model."""
    spec = spec_of(context.inputs)
    model = Reference(spec)
    if spec.task.kind == "lock":
        context.progress(None, f"{spec.task.steps} steps")
        return locked(context, tasks.lock_float(model), model.weights)
    patterns = tasks.patterns_of(spec)
    trials = tasks.trials_of(spec, patterns)
    context.progress(None, f"learning {len(patterns.values)} patterns")
    learned = tasks.learn_float(model, patterns.values)
    context.progress(None, f"{len(trials.target)} recalls")
    recalled = tasks.recall_float(model, trials, patterns.values)
    return remembered(context, spec, patterns, trials, learned, recalled)


def twin_stage(context: Context) -> Mapping[str, Any]:
    """Run the task on the fixed-point twin."""
    spec = spec_of(context.inputs)
    twin = fastest(formats_of(context.inputs))
    tasks.prepare(twin, spec)
    if spec.task.kind == "lock":
        context.progress(None, f"{spec.task.steps} steps")
        return locked(context, tasks.lock(twin, spec), twin.read_weights())
    patterns = tasks.patterns_of(spec)
    trials = tasks.trials_of(spec, patterns)

    def tell(what: str) -> tasks.Progress:
        return lambda done, of: context.progress(done / of, f"{what} {done}")

    # The limit of epochs says nothing about how long learning takes: no fraction for it.
    learned = tasks.learn(
        twin, spec, patterns.values, lambda done, of: context.progress(None, f"epoch {done}")
    )
    recalled = tasks.recall(twin, spec, trials, patterns.values, progress=tell("recall"))
    return remembered(context, spec, patterns, trials, learned, recalled)


def remembered(
    context: Context,
    spec: Spec,
    patterns: Patterns,
    trials: Trials,
    learned: Learned,
    recalled: Recalled,
) -> Mapping[str, Any]:
    """Store the arrays of a recall task and return its figures."""
    save(
        context.workdir,
        stored=patterns.values,
        target=trials.target,
        starts=trials.starts,
        start_phases_rad=trials.phases_rad,
        weights=learned.weights,
        ends=recalled.patterns,
        end_phases_rad=recalled.phases_rad,
        trace_rad=recalled.trace_rad,
        exact=recalled.exact,
    )
    return {
        "kind": "recall",
        "hits": int(recalled.exact.sum()),
        "trials": int(recalled.exact.size),
        "exact_rate": recalled.exact_rate,
        "interval_95": list(recalled.interval),
        "inverse_counts": True,
        "overlap": recalled.overlap,
        "labels": list(patterns.labels),
        "width": patterns.width,
        "flipped": int(np.count_nonzero(trials.starts[0] != patterns.values[trials.target[0]])),
        "presentations": learned.presentations,
        "all_held": learned.all_held,
        "steps": learned.presentations + spec.task.steps * int(recalled.exact.size),
        "updates": learned.counters.changed,
        "counters": learned.counters.figures(),
    }


def locked(context: Context, result: Locked, weights: Any) -> Mapping[str, Any]:
    """Store the arrays of a lock task and return its figures."""
    save(context.workdir, trace_rad=result.trace_rad, weights=weights)
    return {
        "kind": "lock",
        "offsets_rad": [float(value) for value in result.offsets_rad],
        "drift_rad": result.drift_rad,
        "steps": len(result.trace_rad) - 1,
        "updates": 0,
    }
