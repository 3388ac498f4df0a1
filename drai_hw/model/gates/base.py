"""What a learning pass sees, and what every gate has in common."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """What gates and stabilisers may look at; replicas are leading axes of everything.

    Attributes
    ----------
    phases_rad : array, shape (..., T, N)
        Phases of all steps of the window, rad.
    weights : array, shape (..., N, N)
        Weights before the pass, LSB.
    held : array of bool, shape (..., N)
        Oscillators whose field reached the margin.
    smoothed_rad : array, shape (..., N)
        Smoothed phase advance a step, rad.
    amplitudes : array, shape (..., N)
        Amplitudes; 0 is an inactive oscillator.
    """

    phases_rad: Floats
    weights: Floats
    held: Bools
    smoothed_rad: Floats
    amplitudes: Floats

    @property
    def passes(self) -> int:
        """T, learning passes of the window."""
        return int(self.phases_rad.shape[-2])

    @cached_property
    def both_active(self) -> Bools:
        """Pairs of two different active oscillators, in a shape that broadcasts to (..., N, N)."""
        active = self.amplitudes != 0
        n = active.shape[-1]
        return active[..., :, None] & active[..., None, :] & ~np.eye(n, dtype=bool)

    @cached_property
    def coherence(self) -> NDArray[np.complex128]:
        """Mean of exp(i (phi_i - phi_j)) over the window, shape (..., N, N).

        Its magnitude is 1 for a pair that keeps any constant offset and 0 for one that drifts by
        whole turns; its real part is the mean cosine.
        """
        z = np.exp(1j * self.phases_rad)
        return np.swapaxes(z, -1, -2) @ z.conj() / z.shape[-2]

    @cached_property
    def novelty(self) -> Floats:
        """Share of surprise, shape (...): 0 where every field agrees with what is shown, 2 if none.

        ``1 - mean_i sign(Re(conj(z_i) sum_j w_ij z_j))`` with z the mean phasor of the window; for
        binary phases this is ``1 - mean_i x_i sign(sum_j w_ij x_j)``. An oscillator without any
        field counts as undecided, so an empty memory finds everything new (1).
        """
        z = np.exp(1j * self.phases_rad).mean(axis=-2)
        field = (self.weights @ z[..., None])[..., 0]
        return 1.0 - np.sign((z.conj() * field).real).mean(axis=-1)


class Gate(abc.ABC):
    """A condition under which a pair learns.

    A subclass is a frozen dataclass whose fields are the parameters, all with defaults; `name` is
    what the network file lists in ``learning.gates``. Several gates are joined by *and*.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn, in a shape that broadcasts to (..., N, N)."""
