"""Vectors of integers do what NumPy does to 32 elements, on this processor and on a plain one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from drai_hw.model import vector_integers as vi

WIDTH = vi.WIDTH
RNG = np.random.default_rng(3)
A, B = RNG.integers(-30_000, 30_000, (2, WIDTH)).astype(np.int16)
SMALL = RNG.integers(-128, 128, WIDTH).astype(np.int8)


def done(operation, *vectors, kind=np.int16):
    """Return what an operation of vectors gives for arrays."""
    out = np.zeros(WIDTH, dtype=kind)
    if len(vectors) == 1:
        run = numba.njit(lambda out, a: vi.store(out, 0, operation(vi.load(a, 0))))
    else:
        run = numba.njit(
            lambda out, a, b: vi.store(out, 0, operation(vi.load(a, 0), vi.load(b, 0)))
        )
    run(out, *vectors)
    return out


@pytest.mark.parametrize(("operation", "expected"), [
    (vi.add, A + B), (vi.sub, A - B), (vi.mul, A * B), (vi.both, A & B), (vi.either, A | B),
    (vi.differ, A ^ B),
])  # fmt: skip
def test_operations_of_two_vectors_wrap_as_numpy_does(operation, expected):
    assert np.array_equal(done(operation, A, B), expected)


def test_shifts_are_those_of_unsigned_words():
    states = RNG.integers(0, 1 << 31, WIDTH).astype(np.int32)
    by = np.full(WIDTH, 7, dtype=np.int32)
    assert np.array_equal(done(vi.right, states, by, kind=np.int32), states >> 7)
    assert np.array_equal(done(vi.left, states, by, kind=np.int32), states << 7)
    assert np.array_equal(
        done(vi.right, -states, by, kind=np.int32), (-states).view(np.uint32) >> 7
    )


@pytest.mark.parametrize(("operation", "expected"), [
    (vi.below, np.less), (vi.at_most, np.less_equal), (vi.unequal, np.not_equal),
])  # fmt: skip
def test_answers_choose_and_are_counted(operation, expected):
    @numba.njit
    def run(out, a, b):
        x, y = vi.load(a, 0), vi.load(b, 0)
        answers = operation(x, y)
        vi.store(out, 0, vi.choose(answers, x, y))
        return vi.count(answers)

    b = np.where(np.arange(WIDTH) % 3 == 0, A, B).astype(np.int16)
    out = np.zeros(WIDTH, dtype=np.int16)
    assert run(out, A, b) == expected(A, b).sum() > 0
    assert np.array_equal(out, np.where(expected(A, b), A, b))


def test_elements_get_longer_and_are_cut_again():
    assert np.array_equal(done(vi.longer, A, kind=np.int32), A)
    assert np.array_equal(done(vi.add, SMALL, SMALL), 2 * SMALL.astype(np.int16))
    assert np.array_equal(done(vi.add, A, B, kind=np.int8), (A + B).astype(np.int8))


def test_numbers_fill_vectors():
    @numba.njit
    def run(short, word, number):
        vi.store(short, 0, vi.shorts(number))
        vi.store(word, 0, vi.words(number))

    short, word = np.zeros(WIDTH, dtype=np.int16), np.zeros(WIDTH, dtype=np.int32)
    run(short, word, -70_001)
    assert set(short) == {-70_001 + (1 << 16)}
    assert set(word) == {-70_001}


def test_a_sum_that_follows_is_the_sum_at_a_place_that_moves():
    @numba.njit
    def run(out, rows):
        total = vi.shorts(0)
        for k in range(rows.shape[0]):
            total = vi.add(total, vi.load(rows[k], 0))
            vi.leave(out, k, total)
            total = vi.follow(total)
        vi.store(out, rows.shape[0], total)

    rows = RNG.integers(-50, 50, (40, WIDTH)).astype(np.int16)
    out, expected = np.zeros((2, 40 + WIDTH), dtype=np.int16)
    out[:40] = expected[:40] = 5
    run(out, rows)
    for k, row in enumerate(rows):
        expected[k : k + WIDTH] += row
    assert np.array_equal(out, expected)


LOOK_UPS = '''
"""Looks up; run in processes of its own, which take the machine code from the same folder."""
import json
import sys

import numpy as np

from drai_hw.model import vector_integers as vi
from drai_hw.model.vectors import compiled

@compiled
def look(out, other, table, which):
    low, high = vi.load(table, 0), vi.load(table, vi.WIDTH)
    vi.store(out, 0, vi.look_up(table, low, high, vi.load(which, 0)))
    vi.store(other, 0, vi.pick(table, vi.both(vi.load(which, 0), vi.shorts(vi.TABLE - 1))))

if __name__ == "__main__":
    rng = np.random.default_rng(1)
    table = rng.integers(-30_000, 30_000, vi.TABLE).astype(np.int16)
    which = rng.integers(-30_000, 30_000, vi.WIDTH).astype(np.int16)
    out, other = np.zeros((2, vi.WIDTH), dtype=np.int16)
    look(out, other, table, which)
    (code,) = look.inspect_asm().values()
    print(json.dumps({
        "right": bool((out == table[which % vi.TABLE]).all() and (other == out).all()),
        "loaded": sum(look.stats.cache_hits.values()),
        "at once": "vpermi2w" in code or "vpermt2w" in code,  # empty where it was loaded
    }))
'''


def test_machine_code_on_disk_belongs_to_processors_of_its_features(tmp_path):
    """A folder that two machines share holds code of both; each finds its own."""
    from numba.core.registry import cpu_target

    script = tmp_path / "look.py"
    script.write_text(LOOK_UPS)

    def run(**processor):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")} | processor
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, check=True, env=environment,
            cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip
        return json.loads(done.stdout)

    here = vi.has_look_up(cpu_target.target_context.codegen().magic_tuple()[2])
    assert run() == {"right": True, "loaded": 0, "at once": here}
    assert run(NUMBA_CPU_NAME="generic") == {"right": True, "loaded": 0, "at once": False}
    assert run() == {"right": True, "loaded": 1, "at once": False}
    assert run(NUMBA_CPU_NAME="generic") == {"right": True, "loaded": 1, "at once": False}
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 2


def test_the_look_up_asks_for_the_feature_it_uses():
    assert vi.has_look_up("+avx2,+avx512bw,+sse2")
    assert not vi.has_look_up("+avx2,-avx512bw,+avx512f")
    assert not vi.has_look_up("")
