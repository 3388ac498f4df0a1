"""Number formats of twin and RTL: every width, table and constant is derived here."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.model import g as learning_functions
from drai_hw.model import prng
from drai_hw.model.learning import Pass, learning_window, sorted_pass, steps_always
from drai_hw.model.prng import IntLike

MAX_REPLICAS = 64  # sets of lanes that share a weight store
STRENGTH_BITS = 12  # input strength F and SHIL strength ks, unsigned
GAIN_BITS = 16  # coupling gain K, unsigned
PROBABILITY_ONE = 1 << 16  # Bernoulli registers count in 1/65536; this value means "always"
EMA_FRACTION_BITS = 4  # fraction bits of the smoothed frequency
EMA_SHIFT = 4  # its time constant is 2**EMA_SHIFT steps


def signed_bits(low: int, high: int) -> int:
    """Return the width of the smallest two's complement word that holds ``low`` to ``high``."""
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1


def round_shift(value: IntLike, shift: int) -> IntLike:
    """Divide by ``2**shift`` with rounding half up: the one rounding rule of twin and RTL.

    ``(value + 2**(shift-1)) >> shift`` with an arithmetic shift; ``shift = 0`` changes nothing.
    """
    return (value + (1 << shift >> 1)) >> shift


def coupling_table(kind: str, phase_bits: int, amplitude: int) -> tuple[int, ...]:
    """Tabulate an odd coupling function over one turn of the phase difference.

    The table is antisymmetric by construction, ``T[-k] = -T[k]`` and ``T[0] = T[half] = 0``, so a
    pair's two contributions cancel exactly. Shifted by a quarter turn it is even and serves the
    field pass.

    Parameters
    ----------
    kind : {"sine", "triangle", "square"}
        Coupling function f of ``dphi_i/dt = ... + sum_j w_ij f(phi_j - phi_i)``.
    phase_bits : int
        P; the table has ``2**P`` entries.
    amplitude : int
        Largest entry; 2 at P = 4 gives the five-level table of the small profile.
    """
    size = 1 << phase_bits
    half = size // 2

    def value(k: int) -> float:
        turn = k / size
        if kind == "sine":
            return math.sin(2 * math.pi * turn)
        if kind == "triangle":
            return 4 * min(turn, 0.5 - turn) if turn <= 0.5 else 0.0
        return 1.0  # square

    positive = [0] + [math.floor(amplitude * value(k) + 0.5) for k in range(1, half)]
    return tuple(positive + [0] + [-positive[half - k] for k in range(1, half)])


@dataclass(frozen=True, kw_only=True)
class Formats:
    """Widths and constants that twin, RTL and host driver share.

    Parameters
    ----------
    n : int
        Oscillators that take part, N >= 2.
    lanes, pages : int
        L lanes (even) and M pages with ``L * M >= N``; the surplus is padding with w = 0.
    accumulator_bits : int
        A, width of the phase accumulator; one turn is ``2**A``.
    phase_bits : int
        P, leading phase bits that the phase difference uses.
    table_bits : int
        B, signed width of a coupling-table entry; amplitude ``2**(B-1) - 1``.
    levels : int or None
        Instead of B: number of distinct table values, odd (5 gives amplitude 2).
    weight_bits : int
        W, range ``-(2**(W-1)-1)`` to ``2**(W-1)-1``.
    frequency_bits : int
        OB, signed width of the smoothed frequency of the resonance gate.
    table : str
        Coupling function, see `coupling_table`.
    g : str
        Learning function, see `drai_hw.model.g`.
    g_parameters : tuple of (str, float)
        Its parameters where they differ from their defaults; a mapping is taken as well.
    resonance : bool
        Compile the resonance gate in.
    theta_r : int
        Its half-width in LSB of the smoothed frequency, >= 1.
    decay : bool
        Compile the stochastic decay in.
    edge : bool
        Compile the edge pass in.
    budget : bool
        Compile the census of |w| in, and the shrinking of weights whose row exceeds a budget.
    centring : bool
        Compile the census of w in, and the random steps against the means of rows.
    mask : bool
        Give "no link" a weight word of its own.
    seed : int
        Seed of the random streams of the core.
    replicas : int
        R sets of lanes and states that share each weight fetched; more than one cannot learn.
        Replica r has the random streams of the seed ``seed + r``, see `replica`.
    """

    n: int
    lanes: int
    pages: int
    accumulator_bits: int = 16
    phase_bits: int = 6
    table_bits: int = 6
    levels: int | None = None
    weight_bits: int = 5
    frequency_bits: int = 8
    table: str = "sine"
    g: str = "xor"
    g_parameters: tuple[tuple[str, float], ...] = ()
    resonance: bool = False
    theta_r: int = 8
    decay: bool = False
    edge: bool = False
    budget: bool = False
    centring: bool = False
    mask: bool = False
    seed: int = 1
    replicas: int = 1

    def __post_init__(self) -> None:
        def need(ok: bool, text: str) -> None:
            if not ok:
                raise SpecError(text)

        given = dict(self.g_parameters)
        object.__setattr__(self, "g_parameters", tuple(sorted(given.items())))
        need(self.n >= 2, f"oscillators = {self.n}: at least 2 are needed")
        need(
            self.lanes >= 2 and self.lanes % 2 == 0,
            f"lanes = {self.lanes}: the half-ring needs an even number of lanes, at least 2",
        )
        need(self.pages >= 1, f"pages = {self.pages}: at least 1 is needed")
        need(
            self.lanes * self.pages >= self.n,
            f"lanes x pages = {self.lanes} x {self.pages} = {self.lanes * self.pages}: "
            f"smaller than the {self.n} oscillators; raise pages to {-(-self.n // self.lanes)}",
        )
        need(
            3 <= self.phase_bits <= 10,
            f"phase_bits = {self.phase_bits}: outside 3 to 10 bits",
        )
        need(
            self.phase_bits + 4 <= self.accumulator_bits <= 24,
            f"accumulator_bits = {self.accumulator_bits}: needs phase_bits + 4 = "
            f"{self.phase_bits + 4} to 24 bits, or small torques round to nothing",
        )
        need(2 <= self.weight_bits <= 8, f"weight_bits = {self.weight_bits}: outside 2 to 8 bits")
        need(2 <= self.table_bits <= 8, f"table_bits = {self.table_bits}: outside 2 to 8 bits")
        need(
            self.levels is None or (self.levels % 2 == 1 and 3 <= self.levels <= 255),
            f"levels = {self.levels}: an odd table has an odd number of levels, 3 to 255",
        )
        if self.resonance:
            need(
                self.frequency_bits <= self.accumulator_bits - 1,
                f"frequency_bits = {self.frequency_bits}: at most accumulator_bits - 1 = "
                f"{self.accumulator_bits - 1}",
            )
            smallest = math.ceil(math.log2(self.theta_r)) + 3 if self.theta_r >= 1 else 99
            need(
                self.theta_r >= 1 and self.frequency_bits >= smallest,
                f"frequency_bits = {self.frequency_bits} with theta_r = {self.theta_r}: the gate "
                f"needs theta_r >= 1 and frequency_bits >= log2(theta_r) + 3 = {smallest}, "
                "or the frequency difference saturates inside the window",
            )
        need(
            1 <= self.replicas <= MAX_REPLICAS,
            f"replicas = {self.replicas}: outside 1 to {MAX_REPLICAS}",
        )
        learning = ["resonance", "decay", "edge", "budget", "centring"]
        unfit = [name for name in learning if self.replicas > 1 and getattr(self, name)]
        need(
            not unfit,
            f"replicas = {self.replicas} with {' and '.join(unfit)}: replicas share their weights "
            "and cannot learn; needs replicas = 1, or a network with neither gate by resonance, "
            "decay, edge-align mode nor stabilisers",
        )

    # -- sizes -----------------------------------------------------------------------------

    @property
    def slots(self) -> int:
        """Oscillator slots, padding included."""
        return self.lanes * self.pages

    @property
    def pair_slots(self) -> int:
        """Active slots of a pass over all pairs = depth of the weight memory in words."""
        return self.lanes * self.pages * self.pages // 2

    @property
    def w_max(self) -> int:
        """Largest weight magnitude."""
        return (1 << (self.weight_bits - 1)) - 1

    @property
    def no_link(self) -> int:
        """Weight word of a pair without a link (`mask`): the one that no weight can be."""
        return -self.w_max - 1

    @property
    def window(self) -> int:
        """T, learning passes in one sweep of the threshold u_n."""
        return 1 << (self.phase_bits - 1)

    # -- tables ----------------------------------------------------------------------------

    @property
    def table_amplitude(self) -> int:
        """Largest entry of the coupling table."""
        if self.levels is not None:
            return (self.levels - 1) // 2
        return (1 << (self.table_bits - 1)) - 1

    @cached_property
    def coupling(self) -> tuple[int, ...]:
        """T, the odd coupling table, ``2**P`` entries."""
        return coupling_table(self.table, self.phase_bits, self.table_amplitude)

    @property
    def quarter(self) -> int:
        """Index offset that turns the odd table T into the even table C of the field pass."""
        return 1 << (self.phase_bits - 2)

    # -- learning --------------------------------------------------------------------------

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """The T learning passes of a window, see `drai_hw.model.learning.learning_window`."""
        g = learning_functions.make(self.g, dict(self.g_parameters))
        return learning_window(g, self.phase_bits)

    @cached_property
    def one_sided(self) -> bool:
        """Some passes leave near pairs, or the others, alone: the units need to be told."""
        return not steps_always(self.passes)

    def learning_pass(self, n: int) -> Pass:
        """Return the n-th learning pass since the last reseed."""
        return self.passes[sorted_pass(n, self.window) if self.one_sided else n % self.window]

    # -- widths and shifts of the update unit ----------------------------------------------

    @property
    def sum_max(self) -> int:
        """Largest magnitude of a torque or field sum."""
        return (self.n - 1) * self.w_max * self.table_amplitude

    @property
    def acc_bits(self) -> int:
        """Signed width of the lane accumulators; sums cannot wrap."""
        return signed_bits(-self.sum_max, self.sum_max)

    @property
    def shift(self) -> int:
        """SH, right shift after the multiplier.

        A gain of a few hundred then serves rows of largest weights to better than 1 %, and 16 bits
        of gain still serve rows whose weights are 1/8 LSB in the mean.
        """
        return max(1, self.sum_max.bit_length() - 5, self.table_amplitude.bit_length() - 2)

    @property
    def strength_shift(self) -> int:
        """SX, left shift that brings input and SHIL terms to the scale of the torque."""
        return self.shift - (self.table_amplitude.bit_length() - 2)

    @property
    def delta_max(self) -> int:
        """Saturation of the phase increment caused by torque, input and SHIL."""
        return (1 << (self.accumulator_bits - 1)) - 1

    @property
    def dither_shift_max(self) -> int:
        """Largest exponent s of the dither amplitude ``2**s`` LSB."""
        return self.accumulator_bits - 3

    @property
    def frequency_shift(self) -> int:
        """OSH, right shift from a phase increment to the smoothed frequency's LSB."""
        return self.accumulator_bits - 1 - self.frequency_bits

    @property
    def ema_bits(self) -> int:
        """Width of the stored smoothed frequency, fraction included."""
        return self.frequency_bits + EMA_FRACTION_BITS

    # -- homeostasis -----------------------------------------------------------------------

    @property
    def fades(self) -> bool:
        """Weights can move towards 0: by decay, or by the budget of a row."""
        return self.decay or self.budget

    @property
    def census_passes(self) -> int:
        """Passes of a census."""
        return self.budget + self.centring

    @property
    def row_max(self) -> int:
        """Largest magnitude of a row sum of weights."""
        return (self.n - 1) * self.w_max

    @property
    def centre_shift(self) -> int:
        """SM: a row sum m leans with probability ``|CENTRE m| / 2**SM``.

        Full centring (a share of 1) then needs 2**14 to 2**15 in the 16 bits of CENTRE, at any N.
        """
        return 13 + (self.n - 1).bit_length()

    # -- random streams --------------------------------------------------------------------

    @cached_property
    def eta_seeds(self) -> tuple[int, ...]:
        """Initial state of each lane's update stream."""
        return prng.spread_seeds(self.seed, "eta", self.lanes)

    @cached_property
    def decay_seeds(self) -> tuple[int, ...]:
        """Initial state of each lane's decay stream."""
        return prng.spread_seeds(self.seed, "decay", self.lanes)

    @cached_property
    def dither_seed(self) -> int:
        """Initial state of the dither stream."""
        return prng.spread_seeds(self.seed, "dither", 1)[0]

    @cached_property
    def census_seed(self) -> int:
        """Initial state of the stream that rounds the row sums of centring."""
        return prng.spread_seeds(self.seed, "census", 1)[0]

    # -- as data ---------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """Return the formats as plain data, from which ``Formats(**record)`` makes them again.

        Parameters of g and the younger features are there only if given: files and identities of
        designs without any stay as they are.
        """
        out = asdict(self) | {"g_parameters": dict(self.g_parameters)}
        for name in ("g_parameters", "edge", "budget", "centring", "mask"):
            if not out[name]:
                del out[name]
        if self.replicas == 1:
            del out["replicas"]
        return out

    @property
    def learns(self) -> bool:
        """The core has synapses: weights that replicas share stay as they are."""
        return self.replicas == 1

    def replica(self, number: int) -> Formats:
        """Return the formats of the core of one replica that does what replica ``number`` does."""
        return replace(self, replicas=1, seed=self.seed + number)

    def with_geometry(self, lanes: int, pages: int) -> Formats:
        """Return the same formats on another number of lanes and pages."""
        return replace(self, lanes=lanes, pages=pages)
