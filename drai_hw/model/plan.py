"""From a network file to number formats and register values: the only float-to-fixed conversion."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model import g as learning_functions
from drai_hw.model import prng, stabilisers
from drai_hw.model.machine import BUDGET_BITS, GATE_MARGIN, GATE_RESONANCE, Settings
from drai_hw.model.numbers import GAIN_BITS, PROBABILITY_ONE, STRENGTH_BITS, Formats
from drai_hw.model.stabilisers.row_budget import RowBudget
from drai_hw.model.stabilisers.row_centring import RowCentring
from drai_hw.spec import Spec
from drai_hw.units import TAU, rad_to_lsb


def default_geometry(n: int) -> tuple[int, int]:
    """Return lanes and pages for N oscillators where the network file names none.

    Eight pages as long as that takes 8 to 64 lanes; fewer than eight oscillators take one page.
    """
    if n <= 8:
        return n + n % 2, 1
    lanes = min(64, max(8, math.ceil(n / 16) * 2))
    return lanes, math.ceil(n / lanes)


def formats_of(spec: Spec, lanes: int | None = None, pages: int | None = None) -> Formats:
    """Return the number formats of a network.

    Parameters
    ----------
    spec : Spec
        The network.
    lanes, pages : int, optional
        Geometry; by default the network file's, else `default_geometry`.

    Raises
    ------
    SpecError
        Formats that would overflow or cannot hold the network.
    """
    n = spec.network.oscillators
    lanes = lanes or spec.board.lanes
    pages = pages or spec.board.pages
    if lanes is None:
        lanes = default_geometry(n)[0] if pages is None else 2 * math.ceil(n / pages / 2)
    f = spec.formats
    return Formats(
        n=n,
        lanes=lanes,
        pages=pages or math.ceil(n / lanes),
        accumulator_bits=f.accumulator_bits,
        phase_bits=f.phase_bits,
        table_bits=f.table_bits,
        levels=f.levels,
        weight_bits=f.weight_bits,
        frequency_bits=f.frequency_bits,
        table=spec.dynamics.coupling_table,
        g=spec.learning.g,
        g_parameters=tuple((spec.learning.g_parameters or {}).items()),
        resonance="resonance" in spec.learning.gates,
        theta_r=spec.learning.theta_r,
        decay=spec.learning.decay > 0,
        edge=spec.network.mode == "edge-align",
        budget=RowBudget.name in spec.learning.stabilisers,
        centring=RowCentring.name in spec.learning.stabilisers,
        mask=bool(spec.network.mask),
        seed=spec.task.seed,
        replicas=spec.board.replicas,
    )


def design_digest(formats: Formats) -> bytes:
    """Return the SHA-256 digest of all that shapes the hardware; the identity registers hold it.

    A learning function stands in it by its name, and by the passes it makes unless the name alone
    says them: parameters and functions from other packages may change under the same name.
    """
    shape = formats.record() | {"prng": [prng.BITS, *prng.LAGS, prng.LEAP]}
    shape.pop("g_parameters", None)
    if ":" in formats.g or fields(learning_functions.make(formats.g)):  # type: ignore[arg-type]
        shape["passes"] = formats.passes
    text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def initial_weights(spec: Spec, links: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return the weight matrix before learning: 0 where there is no link."""
    n = spec.network.oscillators
    weights = np.full((n, n), spec.network.initial_weight, dtype=np.int64)
    np.fill_diagonal(weights, 0)
    return weights if links is None else np.where(links, weights, 0)


def tuning_words(spec: Spec) -> NDArray[np.int64]:
    """Return the tuning word of every oscillator, LSB a step."""
    n = spec.network.oscillators
    detuning = np.array(spec.dynamics.frequencies or np.zeros(n))
    lsb_per_rad = 2**spec.formats.accumulator_bits / TAU
    words = np.floor(detuning * spec.dynamics.coupling * lsb_per_rad + 0.5).astype(np.int64)
    half = 1 << (spec.formats.accumulator_bits - 1)
    if np.any(np.abs(words) >= half):
        worst = float(np.abs(detuning).max())
        limit = math.pi / spec.dynamics.coupling
        raise SpecError(
            f"dynamics.frequencies up to {worst:g} with dynamics.coupling = "
            f"{spec.dynamics.coupling:g}: half a turn a step or more; needs less than {limit:g}"
        )
    return words


def phases_of(spec: Spec, phases_rad: ArrayLike) -> NDArray[np.int64]:
    """Return phase accumulators for phases in rad."""
    return rad_to_lsb(phases_rad, spec.formats.accumulator_bits)


def learn_settings(spec: Spec, formats: Formats) -> Settings:
    """Return the registers for presenting patterns: learning on, coupling off.

    Raises
    ------
    SpecError
        A margin, or a share that a weight loses, that integer logic cannot reach.
    """
    rule = spec.learning
    refuse_float_only(spec)
    given = rule.stabiliser_parameters or {}
    stable = {name: stabilisers.KIND.make(name, given.get(name)) for name in rule.stabilisers}
    homeostasis: dict[str, int] = {}
    row_budget, centring = stable.get(RowBudget.name), stable.get(RowCentring.name)
    if isinstance(row_budget, RowBudget):
        both = 1 - (1 - rule.decay) * (1 - row_budget.share)
        what = f"learning.decay = {rule.decay:g} and row-budget.share = {row_budget.share:g}"
        homeostasis["shrink"] = _fading(both, what, formats)
        limit = (1 << BUDGET_BITS) - 1
        homeostasis["budget"] = min(math.floor(row_budget.budget) + 1, limit)
    if isinstance(centring, RowCentring):
        gain = centring.share * 2 ** (formats.centre_shift + 1) / (formats.n - 1)
        homeostasis["centre"] = math.floor(gain + 0.5)
    gates = GATE_MARGIN * ("margin" in rule.gates) | GATE_RESONANCE * ("resonance" in rule.gates)
    margin = math.ceil(spec.margin_lsb * formats.table_amplitude)
    if margin > formats.sum_max:
        raise SpecError(
            f"learning.margin = {spec.margin_lsb:g} weight LSB: no field can reach it; at most "
            f"{formats.sum_max // formats.table_amplitude} with these {formats.n} oscillators and "
            f"weight_bits = {formats.weight_bits}"
        )
    drives = rule.rule == "window"
    return Settings(
        dither=spec.dynamics.dither + 1 if drives and spec.dynamics.dither is not None else 0,
        eta=math.floor(rule.eta * PROBABILITY_ONE + 0.5),
        decay=_fading(rule.decay, f"learning.decay = {rule.decay:g}", formats),
        margin=margin,
        gates=gates,
        **homeostasis,
    )


def _fading(share: float, what: str, formats: Formats) -> int:
    """Return the register of a share that every weight is to lose in a learning pass.

    A decay event takes a weight down with probability |w| / 2**(W - 1) (numbers page).
    """
    steepest = 1 << (formats.weight_bits - 1)
    if share * steepest > 1:
        raise SpecError(
            f"{what}: integer logic takes at most one LSB from a weight in a pass, so the share is "
            f"at most {1 / steepest:g} with weight_bits = {formats.weight_bits}"
        )
    return math.floor(share * steepest * PROBABILITY_ONE + 0.5)


def run_settings(
    spec: Spec, formats: Formats, weights: ArrayLike, *, coupled: bool = True
) -> Settings:
    """Return the registers for running with the given weights: coupling, SHIL ramp and dither.

    Parameters
    ----------
    spec : Spec
        The network.
    formats : Formats
        Its number formats.
    weights : array of int, shape (N, N)
        Present weights; their largest row sum sets the gain, unless rates refer to the margin.
    coupled : bool
        False leaves the gain at 0 (a control experiment).

    Raises
    ------
    SpecError
        The gain does not fit its register: the weights are too small for the wanted coupling.
    """
    d = spec.dynamics
    row_sum = int(np.abs(np.asarray(weights)).sum(axis=1).max())
    unit = spec.unit_lsb(row_sum)
    lsb = d.coupling * 2**formats.accumulator_bits / TAU  # phase advance by a field of one unit
    gain = 0
    if coupled and row_sum:
        gain = math.floor(lsb * 2**formats.shift / (formats.table_amplitude * unit) + 0.5)
        if gain >= 1 << GAIN_BITS:
            limit = d.coupling * ((1 << GAIN_BITS) - 1) / gain
            raise SpecError(
                f"dynamics.coupling = {d.coupling:g} rad with a {_unit_name(spec)} of {unit:g} "
                f"LSB: needs a gain of {gain}, the register holds {(1 << GAIN_BITS) - 1}; lower "
                f"coupling to {limit:.3g} rad or learn larger weights (raise learning.margin)"
            )
    shil = math.floor(spec.shil.strength * strength_unit(spec, formats) + 0.5)
    if shil >= 1 << STRENGTH_BITS:
        limit = spec.shil.strength * ((1 << STRENGTH_BITS) - 1) / shil
        raise SpecError(
            f"shil.strength = {spec.shil.strength:g}: too strong for its register; at most "
            f"{limit:.3g} with dynamics.coupling = {d.coupling:g} rad"
        )
    return Settings(
        gain=gain,
        shil_max=shil,
        shil_step=math.ceil(shil / spec.shil.ramp_steps),
        dither=0 if d.dither is None else d.dither + 1,
    )


def _unit_name(spec: Spec) -> str:
    return "margin" if spec.dynamics.unit == "margin" else "largest row sum"


INTEGER_GATES = ("margin", "resonance")
INTEGER_STABILISERS = (RowBudget.name, RowCentring.name)  # in the order in which they act


def refuse_float_only(spec: Spec) -> None:
    """Refuse what only the float model has.

    Raises
    ------
    SpecError
        Naming the key, and what twin and RTL have.
    """
    rule = spec.learning
    for key, listed, known in (
        ("learning.gates", rule.gates, INTEGER_GATES),
        ("learning.stabilisers", rule.stabilisers, INTEGER_STABILISERS),
    ):
        for name in listed:
            if name not in known:
                raise SpecError(
                    f"{key} lists {name!r}, which only the float model has; twin and RTL have "
                    f"{' and '.join(known)} (drai-hw model --float-only runs the float model)"
                )
    if list(rule.stabilisers) != [x for x in INTEGER_STABILISERS if x in rule.stabilisers]:
        raise SpecError(
            f"learning.stabilisers = {list(rule.stabilisers)}: twin and RTL apply each once, "
            f"{' before '.join(INTEGER_STABILISERS)}; list them in this order"
        )
    if rule.recurrence:
        raise SpecError(
            f"learning.recurrence = {rule.recurrence!r}: only the float model has it; twin and RTL "
            "need 0: the couplings rest while the twin learns (drai-hw model --float-only runs the "
            "float model)"
        )


def require_hardware(spec: Spec) -> None:
    """Refuse what RTL and boards do not have: float-only mechanisms."""
    refuse_float_only(spec)


def require_circuit(spec: Spec) -> None:
    """Refuse what circuits do not have: edge alignment, float-only mechanisms."""
    if spec.network.mode != "kuramoto":
        raise SpecError(
            f"network.mode = {spec.network.mode!r}: circuits move by their own physics and need "
            "'kuramoto'; leave the circuit out (drai-hw model, sim, recall and board do)"
        )
    refuse_float_only(spec)


def require_task(spec: Spec) -> None:
    """Refuse a network without patterns or offsets, whose task comes as a graph file."""
    if spec.task.kind == "solve":
        raise SpecError(
            "task.kind = 'solve': its task is a graph file, `drai-hw solve GRAPH --spec SPEC`; "
            "all else than RTL, bitstream and random stimulus needs 'recall' or 'lock'"
        )


def window_of(spec: Spec) -> int:
    """Return T, the steps of a learning window."""
    return spec.learning.window or 2 ** (spec.formats.phase_bits - 1)


Inputs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def no_inputs(spec: Spec) -> Inputs:
    """Return input phases, strengths, clamp and activity of a network left to itself."""
    zeros = np.zeros(spec.network.oscillators, dtype=np.int64)
    return zeros, zeros, zeros, np.ones_like(zeros)


def inputs_of(spec: Spec, formats: Formats, pattern: ArrayLike) -> Inputs:
    """Return the inputs that pull every oscillator to a pattern of -1/+1.

    Raises
    ------
    SpecError
        ``learning.input_strength`` does not fit its register.
    """
    psi, _, clamp, active = no_inputs(spec)
    psi = np.where(np.asarray(pattern) > 0, 0, 1 << (formats.phase_bits - 1))
    wanted = spec.learning.input_strength
    strength = math.floor(wanted * strength_unit(spec, formats) + 0.5)
    if strength >= 1 << STRENGTH_BITS:
        limit = wanted * ((1 << STRENGTH_BITS) - 1) / strength
        raise SpecError(
            f"learning.input_strength = {wanted:g}: too strong for its register; at most "
            f"{limit:.3g} with dynamics.coupling = {spec.dynamics.coupling:g} rad"
        )
    return psi, np.full_like(psi, strength), clamp, active


def strength_unit(spec: Spec, formats: Formats) -> float:
    """Return the register value of an input or SHIL strength of 1 kappa U."""
    lsb = spec.dynamics.coupling * 2**formats.accumulator_bits / TAU
    return lsb * 2 ** (formats.shift - formats.strength_shift) / formats.table_amplitude
