"""Event-driven learning: only resonant pairs are touched, decay is made up for when they are.

A dense pass reads and writes every weight at every step. Here the phases are sorted, so that the
partners of an oscillator are neighbours in the list, and the work grows with the number of resonant
pairs. Decay needs no visit: each weight remembers the step at which it was last brought up to date.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError, ToolError
from drai_hw.model import events_plain as plain
from drai_hw.model import g as learning_functions
from drai_hw.model.compiled import kernels
from drai_hw.model.events_choice import choose
from drai_hw.units import TAU, rad_to_lsb

PHASE_BITS = 32
METHODS = ("auto", "events", "dense")


@dataclass(frozen=True)
class Touched:
    """What learning did to the weight memory, in unordered pairs.

    Attributes
    ----------
    visited : int
        Pairs evaluated: the resonant ones found, or all of them in a dense pass.
    gated_on : int
        Pairs in resonance, both active: those that learned.
    read, written : int
        Words read and written.
    changed : int
        Words that hold another value afterwards.
    skipped : int
        Pairs never looked at.
    """

    visited: int = 0
    gated_on: int = 0
    read: int = 0
    written: int = 0
    changed: int = 0
    skipped: int = 0

    def __add__(self, other: Touched) -> Touched:
        return Touched(  # spelled out: a step of a small network takes little longer than this
            self.visited + other.visited, self.gated_on + other.gated_on, self.read + other.read,
            self.written + other.written, self.changed + other.changed,
            self.skipped + other.skipped,
        )  # fmt: skip

    @property
    def share(self) -> float:
        """Share k/M of the pairs of all steps that learned."""
        return self.gated_on / max(1, self.visited + self.skipped)


class EventLearning:
    """Symmetric weights that learn where phases are in resonance.

    A step, for every pair i < j::

        w_ij := (1 - decay) w_ij
        w_ij := clip(w_ij + eta g(phi_i - phi_j), -limit, limit)    if the pair is in resonance

    A pair is in resonance if both are active and their phases differ by at most ``theta_rad`` (with
    ``both_signs`` also if they differ from half a turn by at most that), compared in units of
    2**-32 turn. A pair that is not in resonance is not touched: k idle steps become one factor
    ``(1 - decay)**k`` when the pair is next visited or the weights are read. Without decay the
    weights equal those of dense passes bit for bit; with decay, k idle steps differ from k
    products by at most (k + 6) units in the last place.

    Parameters
    ----------
    n : int
        N, oscillators, >= 2.
    eta : float
        Learning rate a step, in units of w.
    theta_rad : float
        Width of resonance, 0 to below pi; below pi/2 with ``both_signs``.
    both_signs : bool
        Pairs near anti-phase learn, too. In-phase pairs alone can only strengthen.
    g : str or LearningFunction
        Learning function.
    decay : float
        Share of every weight that is lost a step, 0 to 1.
    limit : float
        Largest magnitude of a weight, > 0.
    dtype : data type
        float32 or float64.
    method : {"auto", "events", "dense"}
        ``auto`` counts the resonant pairs (in O(N log N)) and takes what `choose` says.
    compiled : bool, optional
        Use numba; by default where it is installed. The plain form gives the same bits. Learning
        functions other than ``cosine``, ``xor`` and ``square`` always use the plain form.

    Attributes
    ----------
    steps : int
        Learning steps done.
    touched : Touched
        Sum over all steps and settlements.
    last_method : str
        How the last step was done.

    Raises
    ------
    SpecError
        A value outside its range.
    ToolError
        ``compiled=True`` without numba.
    """

    def __init__(
        self,
        n: int,
        *,
        eta: float,
        theta_rad: float,
        both_signs: bool = False,
        g: str | learning_functions.LearningFunction = "cosine",
        decay: float = 0.0,
        limit: float = math.inf,
        dtype: Any = np.float64,
        method: str = "auto",
        compiled: bool | None = None,
    ) -> None:
        widest = math.pi / 2 if both_signs else math.pi
        if n < 2:
            raise SpecError(f"n = {n!r}: needs at least 2 oscillators")
        if not 0 <= theta_rad < widest:
            raise SpecError(
                f"theta_rad = {theta_rad!r}: needs 0 to below {widest:.4g} rad "
                f"{'with' if both_signs else 'without'} both_signs"
            )
        if not 0 <= decay <= 1 or not limit > 0 or not math.isfinite(eta):
            raise SpecError(
                f"eta = {eta!r}, decay = {decay!r}, limit = {limit!r}: needs a number, a share "
                "from 0 to 1, and more than 0"
            )
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise SpecError(f"dtype = {np.dtype(dtype).name}: needs float32 or float64")
        if method not in METHODS:
            raise SpecError(f"method = {method!r}: needs one of {', '.join(METHODS)}")
        self.n, self.both_signs, self.method = n, both_signs, method
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.g = learning_functions.make(g) if isinstance(g, str) else g
        self._kind = _kind(self.g)
        self._loops = _loops(compiled)
        # Rounded down, so that theta is never exceeded; +-1 in 2**32 is 1.5e-9 rad.
        self._reach = int(theta_rad / TAU * plain.TURN)
        self._constants = plain.constants_of(eta, limit, self.dtype)
        self._keep = float(self.dtype.type(1.0 - decay))  # as rounded as a dense pass has it
        self.pairs = n * (n - 1) // 2
        self._words = np.zeros(self.pairs, dtype=self.dtype)
        lazy = self._keep != 1.0
        self._stamps: NDArray[np.int32] = np.zeros(self.pairs if lazy else 0, dtype=np.int32)
        self._base: int | None = 0  # stamp of all words, while they have the same
        powers = self._keep ** np.arange(1 << plain.FINE_BITS, dtype=np.float64)
        self._fine = powers.astype(self.dtype)
        self._coarse = np.ones(1, dtype=self.dtype)
        self.steps = 0
        self.touched = Touched()
        self.last_method = ""

    @property
    def compiled(self) -> bool:
        """Whether the loops are compiled."""
        return self._loops is not plain

    def load(self, weights: ArrayLike) -> None:
        """Set the weights; their decay starts now.

        Parameters
        ----------
        weights : array, shape (N, N)
            Symmetric, within the limit; the diagonal is ignored.

        Raises
        ------
        SpecError
            Another shape, asymmetric, or beyond the limit.
        """
        w = np.asarray(weights)
        if w.shape != (self.n, self.n) or not np.array_equal(w, w.T):
            raise SpecError(f"weights of shape {w.shape}: needs {self.n} x {self.n}, symmetric")
        words = w[np.triu_indices(self.n, 1)].astype(self.dtype)
        if np.any(np.abs(words) > self._constants[5]):
            raise SpecError(
                f"weights up to {np.abs(words).max()}: the limit is {self._constants[5]}"
            )
        self._words, self._base = words, self.steps
        self._stamps[:] = self.steps

    def weights(self) -> NDArray[Any]:
        """Return the symmetric N x N weights with all decay applied; the diagonal is 0."""
        self.settle()
        out = np.zeros((self.n, self.n), dtype=self.dtype)
        upper = np.triu_indices(self.n, 1)
        out[upper] = self._words
        out.T[upper] = self._words
        return out

    def settle(self) -> None:
        """Bring the decay of every weight up to date: one pass over all, unless nothing is due."""
        if not self._stamps.size or self._base == self.steps:
            return
        if self._base is not None:
            self._stamps[:] = self._base
        changed = self._loops.settle(
            self._words, self._stamps, self._fine, self._powers(), self.steps
        )
        self._base = self.steps
        self.touched += Touched(read=self.pairs, written=self.pairs, changed=int(changed))

    def learn(self, phases_rad: ArrayLike, active: ArrayLike | None = None) -> Touched:
        """Do one learning step and return what it touched.

        Parameters
        ----------
        phases_rad : array, shape (N,)
            Phases, rad, finite.
        active : array of bool, shape (N,), optional
            Which oscillators take part; all by default. The cost falls with the square of the
            active share.

        Raises
        ------
        SpecError
            Another shape, or a phase that is no number.
        """
        phases = np.asarray(phases_rad, dtype=np.float64)
        awake = np.ones(self.n, dtype=bool) if active is None else np.asarray(active, dtype=bool)
        if phases.shape != (self.n,) or awake.shape != (self.n,):
            raise SpecError(
                f"phases of shape {phases.shape}, active of shape {awake.shape}: needs {self.n}"
            )
        if not np.isfinite(phases).all():
            raise SpecError("phases that are no numbers: needs N finite values, rad")
        points = rad_to_lsb(phases, PHASE_BITS)
        chosen = np.flatnonzero(awake).astype(np.int32)
        order = np.argsort(points[chosen])
        ordered = points[chosen[order]]
        ring_points = np.concatenate([ordered - plain.TURN, ordered, ordered + plain.TURN])
        spans, found = self._loops.ranges(ring_points, order, self._reach, self.both_signs)
        self.last_method = self.method
        if self.method == "auto":
            self.last_method = choose(
                self.n, found / self.pairs, self.dtype,
                decay=bool(self._stamps.size), compiled=self._loops_for_g()[0] is not plain,
            )  # fmt: skip
        wrapped = np.mod(phases, TAU).astype(self.dtype)
        vectors = (wrapped, np.cos(wrapped), np.sin(wrapped))
        if self.last_method == "events":
            ring = np.tile(chosen[order], 3)
            done = self._touch(chosen, ring, spans, found, vectors)
        else:
            done = self._sweep(points, awake, found, vectors)
        self.touched += done
        return done

    def _loops_for_g(self) -> tuple[ModuleType, tuple[Any, ...]]:
        """Return the loops that know g: compiled ones know some, the plain ones call it."""
        if self.compiled and self._kind != plain.OTHER:
            return self._loops, ()
        return plain, (self.g,)

    def _touch(
        self,
        chosen: NDArray[np.int32],
        ring: NDArray[np.int32],
        spans: NDArray[np.int32],
        found: int,
        vectors: tuple[NDArray[Any], ...],
    ) -> Touched:
        if self._stamps.size and self._base is not None:
            self._stamps[:] = self._base  # from here on each word has its own
        self._base = None
        self.steps += 1
        loops, g = self._loops_for_g()
        changed = loops.touch(
            self._words, self._stamps, self._fine, self._powers(), self.steps, chosen, ring, spans,
            self.n, *vectors, self._kind, self._constants, *g,
        )  # fmt: skip
        return Touched(found, found, found, found, int(changed), self.pairs - found)

    def _sweep(
        self,
        points: NDArray[np.int64],
        awake: NDArray[np.bool_],
        found: int,
        vectors: tuple[NDArray[Any], ...],
    ) -> Touched:
        if self._base is None:
            self.settle()
        base = self.steps if self._base is None else self._base
        self.steps += 1
        self._base = self.steps
        scale = self._powers_of(self.steps - base)
        loops, g = self._loops_for_g()
        changed = loops.sweep(
            self._words, scale, points.astype(np.uint32), awake.astype(np.uint32), self._reach,
            self.both_signs, *vectors, self._kind, self._constants, *g,
        )  # fmt: skip
        return Touched(self.pairs, found, self.pairs, self.pairs, int(changed), 0)

    def _powers(self) -> NDArray[Any]:
        """Return the powers of whole blocks of steps, as many as any word can need."""
        blocks = (self.steps >> plain.FINE_BITS) + 1
        if blocks > self._coarse.size:
            exponents = np.arange(2 * blocks, dtype=np.float64) * (1 << plain.FINE_BITS)
            self._coarse = (self._keep**exponents).astype(self.dtype)
        return self._coarse

    def _powers_of(self, idle: int) -> Any:
        mask = (1 << plain.FINE_BITS) - 1
        return self._powers()[idle >> plain.FINE_BITS] * self._fine[idle & mask]


def _kind(g: learning_functions.LearningFunction) -> int:
    known = {"cosine": plain.COSINE, "xor": plain.XOR, "square": plain.SQUARE}
    ours = learning_functions.classes().get(g.name)
    return known.get(g.name, plain.OTHER) if type(g) is ours else plain.OTHER


def _loops(compiled: bool | None) -> ModuleType:
    if compiled is False:
        return plain
    try:
        return kernels("events_kernels")
    except ToolError:
        if compiled:
            raise
        return plain
