"""Does a network fit a board: refusals before any tool starts, and lanes x pages to suit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from drai_hw.boards.area import Need, predict_area
from drai_hw.boards.boardfile import Board, known_boards, load_board
from drai_hw.boards.devices import Device
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.speed import Speed, predict_speed
from drai_hw.boards.stores import describe_store, plan_weights, store_text
from drai_hw.errors import FitError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.stores import Plan, step_clocks
from drai_hw.rtl.timing import clocks_per_step

LARGEST_N = 4096  # beyond this no device of the table holds one bit per pair


@dataclass(frozen=True)
class Choice:
    """What a board build is going to use, and why.

    Parameters
    ----------
    formats : Formats
        With lanes and pages.
    plan : StorePlan or SpramPlan
        The weight store.
    need : Need
        Predicted area.
    speed : Speed
        Predicted clock.
    reason : str
        Why these lanes, pages and memories.
    """

    formats: Formats
    plan: Plan
    need: Need
    speed: Speed
    reason: str

    def to_json(self, family: str) -> dict[str, Any]:
        """Return lanes, pages, store, reason and predictions as plain values."""
        need = asdict(self.need)
        return {
            "lanes": self.formats.lanes,
            "pages": self.formats.pages,
            "store": describe_store(self.plan, family),
            "reason": self.reason,
            "predicted": {
                **{name: need[name] for name in ("lut", "ff", "ebr", "spram", "dsp")},
                "fmax_hz": round(self.speed.fmax_hz),
                "fmax_spread": round(self.speed.spread, 3),
            },
        }


def estimate(formats: Formats, board: Board) -> Need:
    """Predict what a network needs on a board's device, before any tool starts.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    board : Board
        Device and product style.
    """
    plan = plan_weights(formats, board.device, external_plan(formats, board))
    return predict_area(formats, board.family, board.product, plan)


def external_plan(
    formats: Formats, board: Board, clock_hz: float | None = None
) -> SdramPlan | None:
    """Return the weights' plan in a board's SDRAM.

    None if the board file names none, or if they do not fit into it.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    board : Board
        Names the SDRAM.
    clock_hz : float, optional
        System clock instead of the board file's.
    """
    if board.sdram is None:
        return None
    board.platform_class()  # refuses a board without it
    clock_hz = board.plan_clock(clock_hz).output_hz
    width = formats.lanes * formats.weight_bits
    try:
        return SdramPlan(formats.pair_slots, width, clock_hz, resource=board.sdram.resource)
    except ValueError:
        return None


def weight_plan(formats: Formats, board: Board, clock_hz: float | None = None) -> Plan | None:
    """Cut the weight memory into blocks of a board's device, or return None to leave it whole.

    Only on the families that do so, see `Family.cut`. ``clock_hz`` as for `external_plan`.
    """
    plan = plan_weights(formats, board.device, external_plan(formats, board, clock_hz))
    return plan if FAMILIES[board.family].cut or not isinstance(plan, StorePlan) else None


def shortages(need: Need, board: Board) -> list[str]:
    """Name what a board has too little of, as ``"62 EBR of 30"``; empty when all fits."""
    device = board.device
    limit = FAMILIES[board.family].logic_limit
    found = []
    if need.spram > device.spram:
        found.append(f"{need.spram} SPRAM of {device.spram}")
    if need.ebr > device.ebr:
        found.append(f"{need.ebr} EBR of {device.ebr}")
    if need.lut > limit * device.lut:
        found.append(f"{need.lut} LUT of {device.lut} ({limit:.0%} of them can be routed)")
    if need.ff > device.ff:
        found.append(f"{need.ff} FF of {device.ff}")
    if need.dsp > device.dsp:
        found.append(f"{need.dsp} DSP of {device.dsp}")
    return found


def check_fit(formats: Formats, board: Board) -> Need:
    """Refuse a network that cannot fit a board.

    Returns
    -------
    Need
        The estimate, when it fits.

    Raises
    ------
    FitError
        Says what is needed, what the board has, which known board would do, and the largest
        network of these formats that this board holds.
    """
    need = estimate(formats, board)
    lacking = shortages(need, board)
    if lacking:
        raise FitError(_refusal(formats, board, need, lacking))
    return need


def largest_n(formats: Formats, board: Board) -> int:
    """Return the largest number of oscillators of these formats for which some geometry fits.

    Returns 0 when not even two fit.
    """
    low, high = 1, LARGEST_N
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(middle, board, formats):
            low = middle
        else:
            high = middle - 1
    return low if low >= 2 else 0


def choose_geometry(
    n: int, board: Board, formats: Formats | None = None, *, lanes: int | None = None
) -> tuple[int, int]:
    """Choose lanes and pages for a network on a board, as `choose` does.

    Parameters
    ----------
    n : int
        Oscillators.
    board : Board
        Where it has to fit.
    formats : Formats, optional
        Widths and features; the defaults of `Formats` when absent. Its ``n``, ``lanes`` and
        ``pages`` do not matter.
    lanes : int, optional
        Take this many lanes; only the pages are chosen.

    Returns
    -------
    tuple of int
        Lanes (even) and pages with ``lanes * pages >= n``.

    Raises
    ------
    FitError
        If no geometry fits.
    """
    base = replace(formats, n=n, lanes=2, pages=-(-n // 2)) if formats else None
    chosen = choose(base or Formats(n=n, lanes=2, pages=-(-n // 2)), board, lanes=lanes).formats
    return chosen.lanes, chosen.pages


def choose(
    formats: Formats, board: Board, *, lanes: int | None = None, fixed: bool = False
) -> Choice:
    """Choose lanes, pages and memories for a network on a board, and predict area and speed.

    Of the geometries that fit, with at most one slot in eight left to padding where that can be
    had, the one with the fewest clocks per step is taken. The number of lanes is bounded (16 up
    to 256 oscillators, 32 up to 512, 64 above) because place-and-route time grows with it; write
    ``lanes`` into the network file to go beyond. Where the weights go,
    see `drai_hw.boards.stores.plan_weights`.

    Parameters
    ----------
    formats : Formats
        Widths, features and ``n``.
    board : Board
        Where it has to fit.
    lanes : int, optional
        Take this many lanes; only pages and memories are chosen.
    fixed : bool
        Take lanes and pages of ``formats``; only memories are chosen.

    Raises
    ------
    FitError
        If no geometry fits.
    """
    n = formats.n
    if fixed or lanes is not None:
        wanted = formats if fixed else resized(formats, n, lanes or 0)
        check_fit(wanted, board)
        given = "lanes and pages" if fixed else "lanes"
        return _choice(wanted, board, f"{given} as the network file gives them")
    fitting = _geometries(n, board, formats)
    if not fitting:
        # The narrowest sensible core shows what is short: fewer lanes would not save memory.
        probe = resized(formats, n, min(8, n + n % 2))
        need = estimate(probe, board)
        lacking = shortages(need, board) or ["no number of lanes fits all limits together"]
        raise FitError(_refusal(probe, board, need, lacking))
    bound = 16 if n <= 256 else 32 if n <= 512 else 64
    few = [f for f in fitting if f.lanes <= bound] or [min(fitting, key=lambda f: f.lanes)]
    dense = [f for f in few if (f.slots - n) * 8 <= f.slots] or few
    best = min(dense, key=lambda f: (clocks_per_step(f), f.slots))
    wider = [f.lanes for f in fitting if f.lanes > bound]
    why = f"fewest clocks per step of the {len(fitting)} geometries that fit"
    if wider:
        why += f", with at most {bound} lanes (more fit, at the cost of place-and-route time)"
    return _choice(best, board, why)


def _choice(formats: Formats, board: Board, why: str) -> Choice:
    plan = plan_weights(formats, board.device, external_plan(formats, board))
    need = predict_area(formats, board.family, board.product, plan)
    speed = predict_speed(formats, board.device)
    clocks = step_clocks(formats, plan)
    most = "at most " if isinstance(plan, SdramPlan) else ""
    reason = f"{why}: {most}{clocks} clocks; weights in {store_text(plan, board.family)}"
    clock_hz = board.plan_clock().output_hz
    if speed.fmax_hz < clock_hz:
        reason += (
            f"; the board's clock of {clock_hz / 1e6:g} MHz is faster than the "
            f"{speed.fmax_hz / 1e6:.0f} MHz predicted"
        )
    return Choice(formats, plan, need, speed, reason)


def resized(formats: Formats, n: int, lanes: int) -> Formats:
    """Return formats for another number of oscillators, with the fewest pages on some lanes."""
    return replace(formats, n=n, lanes=lanes, pages=-(-n // lanes))


def _geometries(n: int, board: Board, formats: Formats) -> list[Formats]:
    """Give every geometry of up to 128 lanes that fits."""
    return list(_fitting(n, board, formats))


def _fitting(n: int, board: Board, formats: Formats) -> Iterator[Formats]:
    for lanes in range(2, min(128, n + n % 2) + 1, 2):
        sized = resized(formats, n, lanes)
        if not shortages(estimate(sized, board), board):
            yield sized


def _fits(n: int, board: Board, formats: Formats) -> bool:
    return next(_fitting(n, board, formats), None) is not None


def _refusal(formats: Formats, board: Board, need: Need, lacking: list[str]) -> str:
    device: Device = board.device
    most = largest_n(formats, board)
    larger = [
        name
        for name in known_boards()
        if name != board.name and _fits(formats.n, load_board(name), formats)
    ]
    would_do = (
        f"known boards that would do: {', '.join(larger)}"
        if larger
        else ("no known board holds it")
    )
    supply = f"{device.ebr * device.ebr_bits} bit in EBR"
    if device.spram:
        supply += f" and {device.spram * device.spram_bits} bit in SPRAM"
    return (
        f"{formats.n} oscillators with {formats.weight_bits}-bit weights on {formats.lanes} lanes "
        f"x {formats.pages} pages do not fit {board.name} ({device.name}): needed (predicted) "
        f"{'; '.join(lacking)}; weights alone take {need.weight_bits} bit, the device has "
        f"{supply}. Largest network of these formats here: {most} oscillators; {would_do}"
    )
