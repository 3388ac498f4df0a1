"""The float models against plain NumPy, the article's network, packages and the memory's speed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from drai_hw.bench import forms, peers
from drai_hw.bench.forms import F32, F64
from drai_hw.bench.timing import Entry, Row, Target, Work, compare
from drai_hw.errors import DraiError, ToolError
from drai_hw.model import fused

SIZES = (256, 1024, 4096, 8192)
LARGEST_PEER = 4096
"""Beyond it the N x N intermediate results of others take half a gigabyte each, and minutes."""

PACKED, NUMPY, LIMIT, ARTICLE = "packed", "NumPy", "one pass that reads and writes W", "the article"


def _pass(n: int, kind: str) -> Work:
    full = fused.aligned(forms.weights(n).astype(kind))
    return lambda: peers.read_and_write(full)


def _both(
    name: str, make: Callable[[int, str], Work], n: int, *, like_only: bool = False
) -> list[Entry]:
    """Return an entry for each precision."""
    return [
        Entry(name, functools.partial(make, n, kind), kind, like_only=like_only)
        for kind in (F64, F32)
    ]


def _theirs(name: str, make: Callable[[], Work], n: int) -> Entry:
    """Return an entry of a peer, which refuses sizes that would take minutes."""

    def within() -> Work:
        if n > LARGEST_PEER:
            raise ToolError(
                f"not timed above N = {LARGEST_PEER}: its N x N intermediate results take "
                f"{8e-9 * n**2:.1f} GB each"
            )
        return make()

    return Entry(name, within, F64)


def _naive(n: int) -> Work:
    w, phi = forms.weights(n), forms.phases(n)
    return lambda: peers.naive_torque(w, phi)


def phase_target(mine: Entry, other: Entry, n: int) -> Target | None:
    """Return what is asked of a phase step."""
    if not other.name.startswith(("kuramoto", "oscillatools")) or n not in (256, 1024, 4096):
        return None
    if mine.name == PACKED:
        return Target(ratio=40)
    return Target(ratio=15) if (mine.name, mine.precision) == (NUMPY, F64) else None


def learning_target(mine: Entry, other: Entry, n: int) -> Target | None:
    """Return what is asked of a phase and learning step."""
    if mine.name != PACKED:
        return None
    if other.name == LIMIT and n >= 256:
        return Target(times=1.5 if n >= 1024 else 3)
    if other.name.startswith(ARTICLE) and n == 1024:
        return Target(ratio=60 if mine.precision == F64 else 100)
    return None


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: phases alone, phases and learning, replicas, memory."""
    yield from _phase_rows(n, rounds)
    yield from _learning_rows(n, rounds)
    yield from _batch_rows(n, rounds)
    for kind in (F64, F32):
        yield memory_row(n, kind)


def _phase_rows(n: int, rounds: int) -> Sequence[Row]:
    ours = [
        Entry("Reference", lambda: forms.reference_phase(n), F64, forms.RUN_STEPS),
        *_both(NUMPY, forms.numpy_phase, n),
        *_both("full matrix, compiled", forms.full_phase, n),
        *_both(PACKED, forms.packed_phase, n),
    ]
    w, phi = functools.partial(forms.weights, n), forms.phases(n)
    theirs = [
        _theirs("N^2 sines in NumPy", lambda: _naive(n), n),
        _theirs(peers.name_of("kuramoto"), lambda: peers.kuramoto_derivative(w(), phi), n),
        _theirs(peers.name_of("oscillatools"), lambda: peers.oscillatools_force(w(), phi), n),
        *_both(LIMIT, _pass, n, like_only=True),
    ]
    return compare("phase step", n, ours, theirs, rounds, lambda a, b: phase_target(a, b, n))


def _learning_rows(n: int, rounds: int) -> Sequence[Row]:
    def step_of(network: type[forms.OnePassArticle]) -> Callable[[int, str], Work]:
        return lambda n, kind: forms.article(n, lambda: network(n, n, kind))

    ours = [
        Entry("Reference", lambda: forms.reference_learn(n), F64),
        *_both("full matrix, compiled", step_of(forms.OnePassArticle), n),
        *_both(PACKED, step_of(forms.PackedArticle), n),
    ]
    theirs = [
        _theirs(
            f"{ARTICLE}'s network", lambda: forms.article(n, lambda: peers.ArticleNetwork(n, n)), n
        ),
        _theirs(
            f"{peers.name_of('oscillatools')}, adaptive",
            lambda: peers.oscillatools_adaptive(forms.weights(n), forms.phases(n), 0.01),
            n,
        ),
        *_both(LIMIT, _pass, n, like_only=True),
    ]
    return compare(
        "phase and learning step", n, ours, theirs, rounds, lambda a, b: learning_target(a, b, n)
    )


def _batch_rows(n: int, rounds: int) -> Sequence[Row]:
    def entries(name: str, make: Callable[[int, str], Work], like_only: bool) -> list[Entry]:
        return [
            Entry(name, functools.partial(make, n, kind), kind, forms.REPLICAS, like_only)
            for kind in (F64, F32)
        ]

    return compare(
        f"torques of {forms.REPLICAS} replicas, each", n,
        [
            *entries(f"{NUMPY}, one product of matrices", forms.batch_phase, False),
            *entries(PACKED, forms.packed_batch, False),
        ],
        entries("replica by replica", forms.replica_by_replica, True), rounds,
        lambda a, b: Target(ours=0.05) if a.precision == F32 and n <= 1024 else None,
    )  # fmt: skip


def memory_row(n: int, kind: str) -> Row:
    """Return the row of the peak memory of learning."""
    target = Target(ours=1.3) if (n, kind) == (8192, F32) else None
    share, reason = None, ""
    try:
        share = forms.peak_share(n, kind)
    except DraiError as error:
        reason = str(error)
    return Row(
        task=f"peak memory of learning: {PACKED}", n=n, precision=kind, ours=share, theirs=1.0,
        against=f"the full matrix alone ({kind})", ratio=1.0 / share if share else None,
        unit="of the full matrix's bytes", reason=reason, target=str(target or ""),
        met=target.is_met(share, 1.0) if target else None,
    )  # fmt: skip
