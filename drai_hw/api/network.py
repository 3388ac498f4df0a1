"""A network one can hold in the hand: learn, recall, run; the float model or its twin behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw import catalog
from drai_hw.api.data import as_patterns
from drai_hw.api.results import Learned, Recalled, Run
from drai_hw.errors import SpecError
from drai_hw.model import plan, tasks
from drai_hw.model.compiled import fastest
from drai_hw.model.readout import read_pattern, start_phases_rad
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin
from drai_hw.spec import Spec, validate
from drai_hw.units import lsb_to_rad, rad_to_lsb

Progress = Callable[[int, int], None]


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
        Number of oscillators with the default rule; or a catalog name, the path of a network
        file, or a network that was loaded.
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
        if machine == "float":
            self._float = Reference(self.spec, replicas=replicas, folder=folder)
        elif replicas is not None:
            raise SpecError(
                f"replicas = {replicas!r} with machine = 'twin': only the float model learns in "
                "replicas; one Network for each seed does it on the twin"
            )
        else:
            self._twin = fastest(plan.formats_of(self.spec))
            tasks.prepare(self._twin, self.spec)

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
        if w.shape[-2:] != (self.n, self.n):
            raise SpecError(
                f"weights of shape {w.shape}: needs ({self.n}, {self.n}) for this network"
            )
        if not np.array_equal(w, np.swapaxes(w, -1, -2)) or np.any(
            np.diagonal(w, axis1=-2, axis2=-1)
        ):
            raise SpecError(
                "weights are not symmetric with a diagonal of 0; needs one weight for each "
                "unordered pair (for example (w + w.T)/2)"
            )
        if self._float is not None:
            self._float.weights = w.astype(np.float64)
        elif self._twin is not None:
            self._twin.load_weights(w)

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
        with _shown(progress) as tell:
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
        replicas = self.weights.shape[0] if self.weights.ndim == 3 else 0
        if values.shape[0] != replicas:
            raise SpecError(
                f"patterns of shape {values.shape}: needs (M, {self.n}), or (replicas, M, "
                f"{self.n}) with the {replicas or 'missing'} replicas of this network"
            )
        flat = as_patterns(values.reshape(-1, values.shape[-1]), self.n)
        return np.swapaxes(flat.reshape(values.shape), 0, 1)

    def recall(
        self, starts: ArrayLike, *, steps: int | None = None, seed: int | None = None
    ) -> Recalled:
        """Restore corrupted patterns: run from each with the second harmonic ramped, and read.

        Parameters
        ----------
        starts : array of -1/+1, shape (K, N)
            Start patterns, all run side by side (on the float model, in one array).
        steps : int, optional
            Steps of a recall; the network file's by default.
        seed : int, optional
            Seed of the start phases' jitter; the network file's by default.

        Raises
        ------
        SpecError
            Values other than -1/+1, a shape that does not fit.
        """
        rows = as_patterns(starts, self.n)
        task = self.spec.task
        rng = np.random.default_rng([task.seed if seed is None else seed, 1])
        begin = np.array([start_phases_rad(row, task.jitter_rad, rng) for row in rows])
        ends, trace = self._run(begin, task.steps if steps is None else steps, shil=True)
        return Recalled(np.array([read_pattern(end) for end in ends]), ends, trace[:, 0])

    def run(self, phases_rad: ArrayLike, steps: int, *, shil: bool = False) -> Run:
        """Let the phases move.

        Parameters
        ----------
        phases_rad : array, shape (N,) or (K, N)
            Start phases, rad.
        steps : int
            Number of steps, 0 or more.
        shil : bool
            Apply the ramped second harmonic that makes phases binary.

        Raises
        ------
        SpecError
            A shape that does not fit, phases that are not finite, a negative number of steps.
        """
        begin = np.asarray(phases_rad, dtype=np.float64)
        if begin.shape[-1:] != (self.n,) or begin.ndim > 2:
            raise SpecError(
                f"phases of shape {begin.shape}: this network needs ({self.n},) or (any, {self.n})"
            )
        if not np.isfinite(begin).all():
            raise SpecError("phases_rad holds values that are not finite; needs angles in rad")
        ends, trace = self._run(np.atleast_2d(begin), steps, shil=shil)
        return Run(ends[0], trace[:, 0]) if begin.ndim == 1 else Run(ends, trace)

    def _run(
        self, begin: NDArray[np.float64], steps: int, *, shil: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the last phases, and the phases against time, of several starts."""
        if steps < 0 or int(steps) != steps:
            raise SpecError(f"steps = {steps!r}: needs a whole number of at least 0")
        if self._float is not None:
            model = self._float
            trace = [begin]
            model.phases_rad = begin.copy()
            model.run(steps, shil=shil, trace=trace)
            return model.phases_rad.copy(), np.stack(trace)
        assert self._twin is not None
        twin, bits = self._twin, self.spec.formats.accumulator_bits
        settings = plan.run_settings(self.spec, twin.formats, twin.read_weights())
        twin.configure(settings if shil else replace(settings, shil_max=0, shil_step=0))
        edge = self.spec.network.mode == "edge-align"
        paths = []
        for start in begin:
            twin.load_phases(rad_to_lsb(start, bits))
            path = [twin.read_phases()]
            for step in range(steps):
                twin.run(1, resume=step > 0, edge=edge)
                path.append(twin.read_phases())
            paths.append(path)
        trace_rad = lsb_to_rad(np.swapaxes(np.array(paths), 0, 1), bits)
        return trace_rad[-1], trace_rad


def _spec(network: int | Spec, sections: Mapping[str, Mapping[str, Any]]) -> Spec:
    if isinstance(network, int):
        data: dict[str, Any] = {
            "schema": 1,
            "network": {"name": "network", "oscillators": network},
            "task": {"patterns": "random:1"},
        }
    else:
        data = network.model_dump(by_alias=True, mode="json", exclude_none=True)
    for section, keys in sections.items():
        data[section] = {**data.get(section, {}), **keys}
    return validate(data, "Network")


class _shown:  # noqa: N801 - used like a function
    """A progress callable for the time of a run."""

    def __init__(self, progress: Progress | bool) -> None:
        self._wanted = progress
        self._bar: Any = None

    def __enter__(self) -> Progress | None:
        if callable(self._wanted):
            return self._wanted
        if not self._wanted:
            return None
        from rich.console import Console
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._bar.start()
        task = self._bar.add_task("learning", total=None)
        return lambda done, of: self._bar.update(task, description=f"learning, round {done}")

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
