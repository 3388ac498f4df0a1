"""Does a network fit a board: an estimate before any tool starts, and lanes x pages to suit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from drai_hw.boards.boardfile import Board, known_boards, load_board
from drai_hw.boards.devices import Device
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.memories import blocks
from drai_hw.errors import FitError
from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.rtl.banks import StorePlan, plan_store
from drai_hw.rtl.timing import clocks_per_step, page_word
from drai_hw.rtl.update import mark_word

BRIDGE_BUFFER = (256, 8)  # words x bits of the serial bridge's frame memory
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
    """Linear cost model: ``base + lanes * (lane + sum_bit * ... + product_bit * ... + ...)``.

    ``sum_bit`` is per bit of the sum registers, ``product_bit`` per bit of weight magnitude times
    bits of table magnitude, ``table_bit`` per 16 stored bits of the coupling table, ``shallow``
    per bit of a page memory that is too shallow for a memory block, ``banked`` per bit of width of
    page memories for each bank of logic memory beyond the first.
    """

    base: float
    lane: float
    sum_bit: float
    product_bit: float
    table_bit: float
    resonance: float
    decay: float
    shallow: float
    banked: float


# Fitted to packed cores of 2 to 36 lanes and rounded up; a test packs some again and compares.
_LOGIC: dict[tuple[str, str], _Cost] = {
    ("ecp5", "mul"): _Cost(2780, 90, 11.0, 0.0, 3.0, 60, 110, 0.0, 1.2),
    ("ecp5", "logic"): _Cost(2780, 110, 11.0, 5.5, 3.0, 60, 110, 0.0, 1.2),
    ("ice40", "mul"): _Cost(2360, 220, 6.0, 0.0, 3.0, 55, 115, 1.8, 0.0),
    ("ice40", "logic"): _Cost(2360, 110, 6.0, 5.5, 1.5, 55, 115, 1.8, 0.0),
    ("gowin", "mul"): _Cost(2900, 240, 8.0, 0.0, 3.0, 60, 115, 0.0, 1.2),
    ("gowin", "logic"): _Cost(2900, 150, 8.0, 5.5, 3.0, 60, 115, 0.0, 1.2),
}
_REGISTERS: dict[str, _Cost] = {
    "ecp5": _Cost(1400, 80, 7.0, 0.0, 0.0, 45, 70, 0.0, 0.0),
    "ice40": _Cost(1270, 60, 4.5, 0.6, 0.0, 36, 68, 1.4, 0.0),
    "gowin": _Cost(1350, 80, 5.5, 0.6, 0.0, 36, 68, 0.0, 0.0),
}
# Of the core, then of a lane: look-up tables and flip-flops that a feature adds. Measured by
# synthesis for ECP5 at 8 lanes and rounded up; the budget's beside the logic that decay has, too.
_FEATURES: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "edge": ((60, 30), (16, 8)),
    "budget": ((40, 20), (40, 12)),
    "centring": ((120, 220), (48, 18)),
    "mask": ((0, 0), (4, 0)),
}
_SHALLOW = 4  # words; block memories of fewer are not worth it to synthesis
_LUTRAM_DEPTH = 16  # words of one bank of ECP5 logic memory
_LUTRAM_WORDS = 64  # on ECP5 small memories up to this depth sit in logic
_IN_LOGIC = {"ecp5": _LUTRAM_WORDS, "ice40": _SHALLOW, "gowin": 16}  # words at most


def _sum(cost: _Cost, formats: Formats, *, registers: bool) -> int:
    amplitude_bits = formats.table_amplitude.bit_length()
    lane = (
        cost.lane
        + cost.sum_bit * formats.acc_bits
        + cost.product_bit * (formats.weight_bits - 1) * amplitude_bits
        + cost.table_bit * (1 << formats.phase_bits - 1) * amplitude_bits / 16
        + cost.resonance * formats.resonance
        + cost.decay * formats.fades
    )
    total = cost.base + formats.lanes * lane
    if 1 < formats.pages <= _SHALLOW:
        total += cost.shallow * formats.slots * (page_word(formats).size + formats.acc_bits)
    if cost.banked and formats.pages > _LUTRAM_DEPTH:
        banks = -(-min(formats.pages, _LUTRAM_WORDS) // _LUTRAM_DEPTH)
        bits = formats.lanes * (page_word(formats).size + formats.acc_bits)
        total += cost.banked * (banks - 1) * bits
    for name, (core, each_lane) in _FEATURES.items():
        if getattr(formats, name):
            total += core[registers] + formats.lanes * each_lane[registers]
    return round(total)


def _other_blocks(formats: Formats, family: str) -> int:
    """Count the memory blocks of everything but the weights."""
    pages, slots = formats.pages, formats.slots
    small = [
        (pages, formats.lanes * page_word(formats).size),
        (pages, formats.lanes * formats.acc_bits),
        (slots, formats.accumulator_bits),
        (slots, formats.accumulator_bits),
        (slots, STRENGTH_BITS + formats.phase_bits + 2),
        (slots, mark_word(formats).size),
    ]
    in_logic = _IN_LOGIC[family]
    count = blocks(family, *BRIDGE_BUFFER)
    count += sum(blocks(family, depth, width) for depth, width in small if depth > in_logic)
    # From 8 phase bits on, the update unit's two coupling tables become block ROMs.
    return count + 2 * (formats.phase_bits >= 8)


def weight_plan(formats: Formats, board: Board) -> StorePlan | None:
    """Cut the weight memory into blocks of a board's device, or return None to leave it whole.

    Only where multipliers serve the lanes: on smaller devices the registers around the blocks
    would cost more than they are worth. The plan takes no more blocks than the device has left
    beside the other memories, if any plan does.
    """
    if board.family != "ecp5":
        return None
    left = board.device.ebr - _other_blocks(formats, board.family)
    width = formats.lanes * formats.weight_bits
    return plan_store(formats.pair_slots, width, FAMILIES[board.family].shapes, max(left, 0))


def estimate(formats: Formats, board: Board) -> Need:
    """Estimate what a network needs on a board's device, before any tool starts.

    Memory blocks are counted memory by memory; logic is a linear model fitted to real cores and
    rounded up, so that what it lets through can be placed.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    board : Board
        Device family and product style.
    """
    family, product = board.family, board.product
    plan = weight_plan(formats, board)
    if plan is None:
        weight_ebr = blocks(family, formats.pair_slots, formats.lanes * formats.weight_bits)
    else:
        weight_ebr = plan.blocks
    ebr = weight_ebr + _other_blocks(formats, family)
    # The gain's multiplier needs a second block once the sum has outgrown the first.
    base_dsp = 3 + (formats.acc_bits > 16)
    if product == "mul":
        # On Gowin a lane's product takes half a block.
        base_dsp += -(-formats.lanes // 2) if family == "gowin" else formats.lanes
    return Need(
        lut=_sum(_LOGIC[family, product], formats, registers=False),
        ff=_sum(_REGISTERS[family], formats, registers=True),
        ebr=ebr,
        dsp=base_dsp,
        weight_bits=formats.pair_slots * formats.lanes * formats.weight_bits,
        weight_ebr=weight_ebr,
    )


def shortages(need: Need, board: Board) -> list[str]:
    """Name what a board has too little of, as ``"62 EBR of 30"``; empty when all fits."""
    device = board.device
    limit = FAMILIES[board.family].logic_limit
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
