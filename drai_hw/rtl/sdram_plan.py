"""Where weights lie in an external SDRAM: words, bursts, queues, and the clocks of a pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from drai_hw.rtl.banks import Place
from drai_hw.rtl.sdram_controller import BEAT_BITS, SLOWEST_INTERVAL, SdramChip
from drai_hw.rtl.timing import address_bits

BURST_BEATS = 128
"""Words of 16 bits in a burst, unless a weight word is longer: the row's opening costs 6 % then."""
BURSTS_AHEAD = 4
"""Bursts that the queue between memory and lanes holds, in either direction."""

LEAST_QUEUE = 32
"""Twice what is on its way through the lanes: a queue of slots that wait leaves the memory work."""
END_CLOCKS = 8
"""Clocks at a pass's begin and end that belong to neither memory nor core, at most."""


@dataclass(frozen=True)
class SdramPlan:
    """Weights in an external SDRAM.

    Parameters
    ----------
    depth, width : int
        Words, and bits a word; at least 1.
    clock_hz : float
        Clock of the core, which is the memory's, too.
    chip : SdramChip
        Geometry and timing.
    resource : str
        Name of the memory on an Amaranth platform.
    burst_beats : int
        Words of 16 bits in a burst, a power of two; a longer weight word is a burst of its own.
    """

    depth: int
    width: int
    clock_hz: float
    chip: SdramChip = field(default_factory=SdramChip)
    resource: str = "sdram"
    burst_beats: int = BURST_BEATS

    def __post_init__(self) -> None:
        if self.depth < 1 or self.width < 1:
            raise ValueError(f"depth = {self.depth}, width = {self.width}: both must be at least 1")
        if self.depth * self.beats > self.chip.words or self.beats > 1 << self.chip.column_bits:
            raise ValueError(
                f"{self.depth} words of {self.beats * BEAT_BITS} bits: the chip holds "
                f"{self.chip.words} words of {BEAT_BITS} bits, "
                f"{1 << self.chip.column_bits} in a row"
            )
        interval = self.chip.refresh_interval(self.clock_hz)
        if interval < SLOWEST_INTERVAL:
            raise ValueError(
                f"clock_hz = {self.clock_hz:g} Hz: refreshes every {self.chip.refresh_ns:g} ns "
                f"would be {interval} clocks apart, at least {SLOWEST_INTERVAL} are needed"
            )

    @property
    def beats(self) -> int:
        """Words of 16 bits that a weight word takes: a power of two, so that rows are filled."""
        return 1 << (-(-self.width // BEAT_BITS) - 1).bit_length()

    @property
    def burst(self) -> int:
        """Weight words in a burst."""
        return max(1, self.burst_beats // self.beats)

    @property
    def queue_words(self) -> int:
        """Weight words that a queue between memory and lanes holds."""
        return max(BURSTS_AHEAD * self.burst, LEAST_QUEUE)

    @property
    def count_bits(self) -> int:
        """Bits of a count of words that may pass the end by a burst."""
        return address_bits(self.depth + self.burst + 1)

    def pass_clocks(self, core_clocks: int, *, learning: bool) -> tuple[int, int]:
        """Return the least and the most clocks of a pass that takes a core ``core_clocks``.

        The memory alone needs ``ceil(depth / burst)`` bursts (``SdramChip.burst_clocks``
        each), twice as many while learning. A pass takes at least the longer of the two. In each
        clock in which a slot waits the memory is at work on a burst or a refresh, so it takes at
        most both one after the other, and the refreshes that fall due meanwhile.
        """
        beats = self.burst * self.beats
        chip, clock_hz = self.chip, self.clock_hz
        bursts = -(-self.depth // self.burst)
        needed = bursts * chip.burst_clocks(beats, clock_hz, write=False)
        if learning:
            needed += bursts * chip.burst_clocks(beats, clock_hz, write=True)
        refresh = max(1, chip.clocks(chip.rfc_ns, clock_hz))
        both = core_clocks + needed
        due = -(-both // (chip.refresh_interval(clock_hz) - refresh)) + 2
        return max(core_clocks, needed - END_CLOCKS), both + due * refresh + 2 * END_CLOCKS

    def places(self) -> list[Place]:
        """Return the memory of the simulation."""
        return [Place("chip.words", 0, self.depth, 0, self.width)]
