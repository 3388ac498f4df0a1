"""Does a network fit a board: an estimate before any tool starts, and lanes x pages to suit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from drai_hw.boards.boardfile import Board, known_boards, load_board
from drai_hw.boards.devices import Device
from drai_hw.boards.memories import blocks
from drai_hw.errors import FitError
from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.rtl.timing import clocks_per_step, page_word

# Shares of the logic that placement and routing still manage at a fair speed.
LOGIC_LIMIT = {"ecp5": 0.80, "ice40": 0.92}
LARGEST_N = 4096  # beyond this no device of the table holds one bit per pair


@dataclass(frozen=True)
class Need:
    """Estimated need of a core with its serial bridge.

    Parameters
    ----------
    lut, ff, ebr, dsp : int
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


@dataclass(frozen=True)
class _Cost:
    """Linear cost model of one family and product style: base, per lane, per lane and bit."""

    base_lut: float
    lane_lut: float
    lane_sum_bit_lut: float
    lane_product_bit_lut: float
    lane_table_entry_lut: float
    base_ff: float
    lane_ff: float
    lane_bit_ff: float
    lane_dsp: int
    base_dsp: int


# Fitted to place-and-route results (tests compare), rounded up.
_COSTS: dict[tuple[str, str], _Cost] = {
    ("ecp5", "mul"): _Cost(1500, 110, 4.0, 0.0, 1.0, 900, 90, 3.0, 1, 4),
    ("ecp5", "logic"): _Cost(1500, 110, 4.0, 1.5, 1.0, 900, 90, 3.0, 0, 4),
    ("ice40", "mul"): _Cost(1400, 110, 4.0, 0.0, 1.0, 900, 90, 3.0, 1, 3),
    ("ice40", "logic"): _Cost(1400, 110, 4.0, 1.5, 1.0, 900, 90, 3.0, 0, 3),
}


def estimate(formats: Formats, board: Board) -> Need:
    """Estimate what a network needs on a board's device, before any tool starts.

    The memory count is exact for the core's memories; logic is a linear model fitted to real
    builds and rounded up, so that what it lets through places.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    board : Board
        Device family and product style.
    """
    family = board.family
    cost = _COSTS[family, board.options.product]
    lanes, pages, slots = formats.lanes, formats.pages, formats.slots
    product_bits = formats.weight_bits * formats.table_amplitude.bit_length()
    table_entries = (1 << formats.phase_bits) * formats.table_amplitude.bit_length() / 16
    word_bits = page_word(formats).size
    lane_lut = (
        cost.lane_lut
        + cost.lane_sum_bit_lut * formats.acc_bits
        + cost.lane_product_bit_lut * product_bits
        + cost.lane_table_entry_lut * table_entries
        + (40 if formats.decay else 0)
        + (2.5 * formats.frequency_bits if formats.resonance else 0)
    )
    lane_ff = (
        cost.lane_ff
        + cost.lane_bit_ff * (formats.acc_bits + word_bits)
        + (40 if formats.decay else 0)
    )
    weight_ebr = blocks(family, formats.pair_slots, lanes * formats.weight_bits)
    small = (
        (pages, lanes * word_bits),
        (pages, lanes * formats.acc_bits),
        (slots, formats.accumulator_bits),
        (slots, formats.accumulator_bits),
        (slots, STRENGTH_BITS + formats.phase_bits + 2),
        (slots, 1 + (formats.ema_bits if formats.resonance else 0)),
        (256, 8),
    )
    return Need(
        lut=round(cost.base_lut + lanes * lane_lut),
        ff=round(cost.base_ff + lanes * lane_ff),
        ebr=weight_ebr + sum(blocks(family, depth, width) for depth, width in small),
        dsp=cost.base_dsp + lanes * cost.lane_dsp,
        weight_bits=formats.pair_slots * lanes * formats.weight_bits,
        weight_ebr=weight_ebr,
    )


def shortages(need: Need, board: Board) -> list[str]:
    """Name what a board has too little of, as ``"62 EBR of 30"``; empty when all fits."""
    device = board.device
    limit = LOGIC_LIMIT[board.family]
    found = []
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
        if _geometries(middle, board, formats):
            low = middle
        else:
            high = middle - 1
    return low if low >= 2 else 0


def choose_geometry(
    n: int, board: Board, formats: Formats | None = None, *, lanes: int | None = None
) -> tuple[int, int]:
    """Choose lanes and pages for a network on a board.

    Of the geometries that fit, with at most one slot in eight left to padding where that can be
    had, the one with the fewest clocks per step is taken. The number of lanes is bounded (16 up
    to 256 oscillators, 32 up to 512, 64 above) because place-and-route time grows with it; write
    ``lanes`` into the network file to go beyond.

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
    base = formats or Formats(n=n, lanes=2, pages=-(-n // 2))
    if lanes is not None:
        wanted = _sized(base, n, lanes)
        check_fit(wanted, board)
        return wanted.lanes, wanted.pages
    fitting = _geometries(n, board, base)
    if not fitting:
        # The narrowest sensible core shows what is short: fewer lanes would not save memory.
        probe = _sized(base, n, min(8, n + n % 2))
        need = estimate(probe, board)
        lacking = shortages(need, board) or ["no number of lanes fits all limits together"]
        raise FitError(_refusal(probe, board, need, lacking))
    bound = 16 if n <= 256 else 32 if n <= 512 else 64
    few = [f for f in fitting if f.lanes <= bound] or [min(fitting, key=lambda f: f.lanes)]
    dense = [f for f in few if (f.slots - n) * 8 <= f.slots] or few
    best = min(dense, key=lambda f: (clocks_per_step(f), f.slots))
    return best.lanes, best.pages


def _sized(formats: Formats, n: int, lanes: int) -> Formats:
    return replace(formats, n=n, lanes=lanes, pages=-(-n // lanes))


def _geometries(n: int, board: Board, formats: Formats) -> list[Formats]:
    """Give every geometry of up to 128 lanes that fits."""
    widest = min(128, n + n % 2)
    tried = (_sized(formats, n, lanes) for lanes in range(2, widest + 1, 2))
    return [f for f in tried if not shortages(estimate(f, board), board)]


def _refusal(formats: Formats, board: Board, need: Need, lacking: list[str]) -> str:
    device: Device = board.device
    most = largest_n(formats, board)
    larger = [
        name
        for name in known_boards()
        if name != board.name and _geometries(formats.n, load_board(name), formats)
    ]
    would_do = (
        f"known boards that would do: {', '.join(larger)}"
        if larger
        else ("no known board holds it")
    )
    return (
        f"{formats.n} oscillators with {formats.weight_bits}-bit weights on {formats.lanes} lanes "
        f"x {formats.pages} pages do not fit {board.name} ({device.name}): needed (estimate) "
        f"{'; '.join(lacking)}; weights alone take {need.weight_bits} bit in {need.weight_ebr} "
        f"EBR of {device.ebr_bits} bit. Largest network of these formats here: {most} oscillators; "
        f"{would_do}"
    )
