"""Times of many replicas: what is timed agrees in every bit, and says so if it does not."""

import pytest

from drai_hw.bench import replicas
from drai_hw.model.sparse_compiled import CompiledSparseTwin


def test_every_way_that_this_machine_has_is_timed_against_numpy():
    rows = list(replicas.rows(40, 1))
    assert {row.task for row in rows} >= {
        f"replicas: {family}: entry by entry" for family in replicas.GRAPHS
    }
    assert all(row.ratio > 0 and row.against.startswith("NumPy") for row in rows)


def test_replicas_that_differ_are_not_timed(monkeypatch):
    real = CompiledSparseTwin._run

    def wrong(self, steps):
        real(self, steps)
        self._groups[0, 0] ^= 1

    monkeypatch.setattr(CompiledSparseTwin, "_run", wrong)
    with pytest.raises(AssertionError, match=r"replicas looked up by \w+ differ on random 6 %"):
        list(replicas.rows(40, 1))
