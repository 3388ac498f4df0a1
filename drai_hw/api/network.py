"""A network one can hold in the hand: learn, recall, run; the float model or its twin behind it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw import catalog
from drai_hw.api.data import as_patterns, whole
from drai_hw.api.progress import Progress, shown
from drai_hw.api.results import Learned, Recalled, Run
from drai_hw.api.walk import FloatWalk, TwinWalk, finish
from drai_hw.errors import SpecError
from drai_hw.model import plan, tasks
from drai_hw.model.compiled import fastest
from drai_hw.model.readout import read_pattern, start_phases_rad
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin
from drai_hw.spec import Spec, validate


def load(reference: str | Path) -> Spec:
    """Return the network file of a catalog name (``"letters"``) or of a path.

    Raises
    ------
    SpecError
        Unknown name, unreadable file, wrong keys or values.
    """
    return catalog.find(str(reference))[0]


class Network:
    """A network of coupled oscillators that learns locally.

    Parameters
    ----------
    network : int, str, Path or Spec
        Number of oscillators, with the settings of the catalog's ``memory``; or a catalog name,
        the path of a network file, or a network that was loaded.
    machine : {"float", "twin"}
        ``"float"``: the reference model in real numbers; ``"twin"``: the integers of the hardware,
        bit for bit (compiled where numba is installed).
    replicas : int, optional
        Copies of the network that learn side by side, each with weights of its own; float only.
    **sections : mapping
        Keys of the network file by section, e.g. ``learning={"g": "cosine", "eta": 0.1}``.

    Attributes
    ----------
    spec : Spec
        The network file.
    n : int
        Number of oscillators.

    Raises
    ------
    SpecError
        Whatever is wrong with the network, by key, with what is needed.

    Examples
    --------
    >>> import drai_hw as dh
    >>> net = dh.Network(64)
    >>> stored = dh.patterns("random:3", 64, seed=1)
    >>> net.learn(stored).all_held
    True
    >>> net.recall(dh.corrupt(stored, 0.1, copies=5)).exact_rate(stored)
    1.0
    """

    def __init__(
        self,
        network: int | str | Path | Spec,
        /,
        *,
        machine: Literal["float", "twin"] = "float",
        replicas: int | None = None,
        **sections: Mapping[str, Any],
    ) -> None:
        if machine not in ("float", "twin"):
            raise SpecError(f"machine = {machine!r}: needs 'float' or 'twin'")
        folder = None
        if isinstance(network, (str, Path)):
            network, folder = catalog.find(str(network))
        self.spec = _spec(network, sections)
        self.n = self.spec.network.oscillators
        self._float: Reference | None = None
        self._twin: Twin | None = None
        if replicas is not None:
            replicas = whole(replicas, "replicas", at_least=1)
        if machine == "float":
            self._float = Reference(self.spec, replicas=replicas, folder=folder)
        elif replicas is not None:
            raise SpecError(
                f"replicas = {replicas!r} with machine = 'twin': only the float model learns in "
                "replicas; one Network for each seed does it on the twin"
            )
        else:
            self._twin = fastest(plan.formats_of(self.spec))
            tasks.prepare(self._twin, self.spec, folder)

    def __repr__(self) -> str:
        machine = "float" if self._float is not None else "twin"
        return f"Network({self.spec.network.name!r}, oscillators={self.n}, machine={machine!r})"

    # -- weights -----------------------------------------------------------------------------

    @property
    def weights(self) -> NDArray[Any]:
        """Weights in LSB, shape (N, N) or (R, N, N): real numbers, or the twin's integers."""
        if self._float is not None:
            return self._float.weights.copy()
        assert self._twin is not None
        return self._twin.read_weights()

    @weights.setter
    def weights(self, values: ArrayLike) -> None:
        w = np.asarray(values)
        shapes: list[tuple[int, ...]] = [(self.n, self.n)]
        if self._replicas is not None:
            shapes.append((self._replicas, self.n, self.n))
        if w.shape not in shapes:
            wanted = " or ".join(map(str, shapes))
            raise SpecError(f"weights of shape {w.shape}: needs {wanted} for this network")
        if w.dtype.kind not in "iuf" or not np.isfinite(w).all():
            raise SpecError(f"weights of type {w.dtype}: needs finite real numbers (LSB)")
        if not np.array_equal(w, np.swapaxes(w, -1, -2)) or np.any(
            np.diagonal(w, axis1=-2, axis2=-1)
        ):
            raise SpecError(
                "weights are not symmetric with a diagonal of 0; needs one weight for each "
                "unordered pair (for example (w + w.T)/2)"
            )
        if self._float is not None:
            self._float.weights = np.broadcast_to(w, self._float.weights.shape).astype(np.float64)
        elif self._twin is not None:
            self._twin.load_weights(w)

    @property
    def _replicas(self) -> int | None:
        """Number of replicas that learn apart; None where there is one network."""
        if self._float is None or self._float.weights.ndim < 3:
            return None
        return int(self._float.weights.shape[0])

    # -- what it does ------------------------------------------------------------------------

    def learn(
        self,
        patterns: ArrayLike,
        *,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
    ) -> Learned:
        """Store patterns by local learning, on top of what the network knows.

        Parameters
        ----------
        patterns : array of -1/+1, shape (M, N); or (R, M, N), patterns of each replica
            What to store.
        progress : bool or callable
            True shows rounds on standard error; a callable is told the rounds done and the limit.
        checkpoint : path, optional
            File that keeps the state of a long run, so that it can be interrupted: the next call
            goes on from there with the same bits.

        Raises
        ------
        SpecError
            Values other than -1/+1, a shape that does not fit.
        """
        path = None if checkpoint is None else Path(checkpoint)
        with shown(progress, "learning, round {done}") as tell:
            if self._float is not None:
                found = tasks.learn_float(self._float, self._in_turn(patterns), tell, path)
            else:
                assert self._twin is not None
                rows = as_patterns(patterns, self.n)
                found = tasks.learn(self._twin, self.spec, rows, tell, path)
        return Learned(found.weights, found.presentations, found.all_held, found.counters)

    def _in_turn(self, patterns: ArrayLike) -> NDArray[np.int64]:
        """Return patterns with the order of presentation as first axis."""
        values = np.asarray(patterns)
        if values.ndim < 3:
            return as_patterns(values, self.n)
        replicas = self._replicas or 0
        if values.shape[0] != replicas:
            raise SpecError(
                f"patterns of shape {values.shape}: needs (M, {self.n}), or (replicas, M, "
                f"{self.n}) with the {replicas or 'missing'} replicas of this network"
            )
        flat = as_patterns(values.reshape(-1, values.shape[-1]), self.n)
        return np.swapaxes(flat.reshape(values.shape), 0, 1)

    def recall(
        self,
        starts: ArrayLike,
        *,
        steps: int | None = None,
        seed: int | None = None,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
    ) -> Recalled:
        """Restore corrupted patterns: run from each with the second harmonic ramped, and read.

        Parameters
        ----------
        starts : array of -1/+1, shape (K, N) or (N,)
            Start patterns, all run side by side (on the float model, in one array). With replicas
            one for each, or one for all.
        steps : int, optional
            Steps of a recall; the network file's by default.
        seed : int, optional
            Seed of the start phases' jitter; the network file's by default.
        progress : bool or callable
            True shows steps on standard error; a callable is told the steps done and all.
        checkpoint : path, optional
            As of `learn`.

        Raises
        ------
        SpecError
            Values other than -1/+1, a shape that does not fit.
        """
        rows = self._one_each(as_patterns(starts, self.n), np.shape(starts))
        task = self.spec.task
        seed = task.seed if seed is None else whole(seed, "seed")
        rng = np.random.default_rng([seed, 1])
        begin = np.array([start_phases_rad(row, task.jitter_rad, rng) for row in rows])
        ends, trace = self._run(
            begin, task.steps if steps is None else steps, shil=True, looked_at=1,
            progress=progress, checkpoint=checkpoint,
        )  # fmt: skip
        return Recalled(np.array([read_pattern(end) for end in ends]), ends, trace[:, 0])

    def run(
        self,
        phases_rad: ArrayLike,
        steps: int,
        *,
        shil: bool = False,
        every: int = 1,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
    ) -> Run:
        """Let the phases move.

        Parameters
        ----------
        phases_rad : array, shape (N,) or (K, N)
            Start phases, rad. With replicas one start for each, or one for all.
        steps : int
            Number of steps, 0 or more.
        shil : bool
            Apply the ramped second harmonic that makes phases binary.
        every : int
            Steps from one sample of the trace to the next: long runs need not keep them all.
        progress : bool or callable
            True shows steps on standard error; a callable is told the steps done and all.
        checkpoint : path, optional
            File that keeps the state of a long run, trace included; as of `learn`.

        Raises
        ------
        SpecError
            A shape that does not fit, phases that are not finite, a negative number of steps.
        """
        begin = np.asarray(phases_rad)
        if begin.shape[-1:] != (self.n,) or begin.ndim > 2:
            raise SpecError(
                f"phases of shape {begin.shape}: this network needs ({self.n},) or (any, {self.n})"
            )
        if begin.dtype.kind not in "iuf" or not np.isfinite(begin).all():
            raise SpecError("phases_rad holds values that are not finite; needs angles in rad")
        rows = self._one_each(np.atleast_2d(begin).astype(np.float64), begin.shape)
        every = whole(every, "every", at_least=1)
        ends, trace = self._run(
            rows, steps, shil=shil, looked_at=len(rows), every=every, progress=progress,
            checkpoint=checkpoint,
        )  # fmt: skip
        one = begin.ndim == 1 and self._replicas is None
        return Run(ends[0], trace[:, 0], every) if one else Run(ends, trace, every)

    def _one_each(self, rows: NDArray[Any], given: tuple[int, ...]) -> NDArray[Any]:
        """Return a start for each replica, where there are several."""
        count = self._replicas
        if count is None or len(rows) == count:
            return rows
        if len(rows) != 1:
            raise SpecError(
                f"starts of shape {given}: this network has {count} replicas with weights of their "
                f"own; needs ({count}, {self.n}), one start for each, or ({self.n},) for all"
            )
        return np.repeat(rows, count, axis=0)

    def _run(
        self, begin: NDArray[np.float64], steps: int, *, shil: bool, looked_at: int,
        every: int = 1, progress: Progress | bool, checkpoint: str | Path | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
        """Return the last phases of several starts, and the phases against time of the first."""
        steps = whole(steps, "steps")
        walk: FloatWalk | TwinWalk
        if self._float is not None:
            walk = FloatWalk(self._float, begin, steps, shil=shil, looked_at=looked_at, every=every)
        else:
            assert self._twin is not None
            walk = TwinWalk(
                self._twin, self.spec, begin, steps, shil=shil, looked_at=looked_at, every=every
            )
        with shown(progress, "step {done} of {of}") as tell:
            finish(walk, None if checkpoint is None else Path(checkpoint), tell)
        return walk.result()


def _spec(network: Any, sections: Mapping[str, Any]) -> Spec:
    data: dict[str, Any]
    if isinstance(network, Spec):
        data = network.model_dump(by_alias=True, mode="json", exclude_none=True)
    else:
        if not hasattr(network, "__index__"):
            raise SpecError(
                f"Network({network!r}): needs a number of oscillators, the name or path of a "
                "network file, or what `load` returns"
            )
        number = network if isinstance(network, bool) else operator.index(network)
        memory = catalog.find("memory")[0]
        data = memory.model_dump(by_alias=True, mode="json", exclude_none=True)
        data["network"] |= {"name": "network", "oscillators": number}
    for section, keys in sections.items():
        if not isinstance(keys, Mapping):
            raise SpecError(f"{section} = {keys!r}: needs the keys of a section, {section}={{...}}")
        data[section] = {**data.get(section, {}), **keys}
    return validate(data, "Network")
