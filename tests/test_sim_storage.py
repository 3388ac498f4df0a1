"""The core at 22 x 22: it learns 48 patterns on its own and recalls them, equal to its twin."""

import dataclasses

import pytest

from drai_hw.model import storage
from drai_hw.sim import run_core


@pytest.mark.full
def test_the_core_stores_a_tenth_of_484_and_recalls(tmp_path):
    """The whole of learning; twelve recalls from 25 % flips, each of which should be exact."""
    case = next(c for c in storage.cases() if c.patterns == "random:48")
    spec = dataclasses.replace(case, trials=12).spec(0)
    result = run_core(spec, simulator="cxxrtl", workdir=tmp_path)
    assert result.mismatches == 0
    assert result.learned.all_held
    assert result.recalled.exact_rate >= 0.95
