"""The sparse twin in machine code: the same integers after every step, sooner."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import ToolError
from drai_hw.model import sparse_forms as forms
from drai_hw.model.compiled import kernels
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.sparse import SparseTwin


class CompiledSparseTwin(SparseTwin):
    """`SparseTwin` in vector instructions, 64 or 32 replicas at a time: the same bits.

    The coupling table is looked up 64 bytes at once where the processor can (AVX-512 VBMI), 16
    bytes of a quarter wave at once where it has AVX2 and the table is made of quarter waves, else
    one by one.

    Parameters
    ----------
    formats, edges, seeds
        As of `SparseTwin`.
    way : str, optional
        ``byte``, ``quarter`` or ``plain``; what is fastest here when omitted.

    Raises
    ------
    ToolError
        Without numba, for formats whose sums or phases do not fit its registers, or if processor
        or table do not allow the way; the text says which.
    """

    def __init__(
        self, formats: Formats, edges: ArrayLike, seeds: Sequence[int], *, way: str | None = None
    ) -> None:
        module = kernels("replica_vectors")
        if formats.phase_bits > 8:
            raise ToolError(
                f"compiled replicas with phase_bits = {formats.phase_bits}: at most 8; "
                "drai_hw.model.sparse.SparseTwin gives the same bits"
            )
        self._kernels = kernels("sparse_kernels")
        self._lanes = module.REPLICAS
        super().__init__(formats, edges, seeds)
        lines = -(-self.replicas // self._lanes)
        self._groups = np.zeros((lines, formats.n * self._lanes), dtype=np.int32)
        self._tops = np.zeros((2, formats.n * self._lanes), dtype=np.int8)
        self.way, self._form = _form(formats, (self._i, self._j, self._w), module, way)

    def reseed(self) -> None:
        """Restart the dither streams."""
        super().reseed()
        spare = -self.replicas % self._lanes  # replicas that nobody reads fill the last vector
        padded = np.append(self._streams, np.full(spare, self._streams[0]))
        self._lines = padded.astype(np.int32).reshape(-1, self._lanes)

    def read_phases(self) -> NDArray[np.int64]:
        """Return the phase accumulators, shape (R, N)."""
        cube = self._groups.reshape(-1, self.formats.n, self._lanes).transpose(0, 2, 1)
        flat: NDArray[np.int64] = cube.reshape(-1, self.formats.n)[: self.replicas].astype(np.int64)
        return flat

    def _put(self, theta: NDArray[np.int64]) -> None:
        padded = np.zeros((self._lines.size, self.formats.n), dtype=np.int32)
        padded[: self.replicas] = theta
        cube = padded.reshape(-1, self._lanes, self.formats.n).transpose(0, 2, 1)
        self._groups = np.ascontiguousarray(cube).reshape(len(self._lines), -1)

    def fits(self, settings: Settings) -> bool:
        """Say whether no intermediate value of a step leaves 32 bits."""
        f = self.formats
        pull = settings.gain * self.row_sum * f.table_amplitude
        pull += (settings.shil_max * f.table_amplitude) << f.strength_shift
        return pull + (1 << f.shift) < 1 << 31

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers (`SpecError` where a value does not fit)."""
        super().configure(settings)
        if not self.fits(settings):
            raise ToolError(
                f"compiled replicas with gain = {settings.gain} and shil_max = "
                f"{settings.shil_max}: 32 bits do not hold a torque of rows up to {self.row_sum}; "
                "drai_hw.model.sparse.SparseTwin gives the same bits"
            )

    def _run(self, steps: int) -> None:
        f, s, form = self.formats, self.settings, self._form
        self.shil = self._kernels.run(
            self._groups, self._tops, self._lines, form.start, form.index, form.weight,
            form.table, steps, s.gain, self.shil, s.shil_step, s.shil_max, s.dither, f.shift,
            f.strength_shift, f.delta_max, f.accumulator_bits, f.phase_bits, form.top_left,
            form.burst, f.slots - f.n,
        )  # fmt: skip


Edges = tuple[forms.Indices, forms.Indices, forms.Indices]
"""i, j, w of every edge in both directions, sorted by i."""


def _form(
    formats: Formats, edges: Edges, module: ModuleType, way: str | None
) -> tuple[str, forms.Form]:
    """Return the way to look the table up and what it takes."""
    lanes = module.REPLICAS
    if way in (None, forms.BYTE) and module.HAS_BYTE_LOOK_UP:
        return forms.BYTE, forms.bytes_of(formats, *edges, lanes)
    if way in (None, forms.QUARTER) and module.HAS_SHUFFLE:
        form = forms.quarters_of(formats, *edges, lanes)
        if form is not None:
            return forms.QUARTER, form
    if way in (None, forms.PLAIN):
        return forms.PLAIN, forms.plain_of(formats, *edges, lanes)
    raise ToolError(
        f"compiled replicas looked up by {way}: {_NEEDS.get(way, 'there is no such way')}; "
        "drai_hw.model.sparse.CompiledSparseTwin without a way takes what this machine has"
    )


_NEEDS = {
    forms.BYTE: "needs a processor with AVX-512 VBMI",
    forms.QUARTER: "needs a processor with AVX2 and an odd table whose quarter waves mirror each "
    "other",
}


def fastest(
    formats: Formats, edges: ArrayLike, seeds: Sequence[int], settings: Sequence[Settings] = ()
) -> SparseTwin:
    """Return the sparse twin that is done first and takes all the settings.

    All give the same bits.
    """
    try:
        twin = CompiledSparseTwin(formats, edges, seeds)
        for one in settings:
            twin.configure(one)
    except ToolError:
        return SparseTwin(formats, edges, seeds)
    return twin
