"""Thirty-five coupled tanks recall letters from corrupted starts."""

import numpy as np
import pytest
from luma.core.legacy.font import LCD_FONT

from drai_hw import spice
from drai_hw.model.readout import wilson_interval

N = 35
FLIPS = 4


def letter(character: str) -> np.ndarray:
    columns = LCD_FONT[ord(character)][:5]
    return np.array([1 if columns[c] >> r & 1 else -1 for r in range(7) for c in range(5)])


LETTERS = np.array([letter(character) for character in "ACT"])


def learned(margin: int = 40, largest: int = 15) -> np.ndarray:
    """Learn by local steps of one, only where one of the two oscillators is not yet held."""
    weights = np.zeros((N, N), dtype=int)
    for _ in range(300):
        settled = True
        for pattern in LETTERS:
            held = (weights @ pattern) * pattern >= margin
            if held.all():
                continue
            settled = False
            gate = ~(held[:, None] & held[None, :])
            np.fill_diagonal(gate, False)
            weights = np.clip(weights + np.outer(pattern, pattern) * gate, -largest, largest)
        if settled:
            return weights
    raise AssertionError("the letters were not learned")


def corrupted(trial: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1000 + trial)
    stored = LETTERS[trial % len(LETTERS)]
    start = stored.copy()
    start[rng.permutation(N)[:FLIPS]] *= -1
    return start, stored


def exact(result: spice.CircuitResult, stored: np.ndarray) -> bool:
    return abs(int(result.pattern @ stored)) == N


def shuffled(weights: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(N, 1)
    mixed = np.zeros_like(weights)
    mixed[upper] = np.random.default_rng(0).permutation(weights[upper])
    return mixed + mixed.T


def test_a_corrupted_letter_is_recalled_and_its_energy_accounted_for() -> None:
    start, stored = corrupted(0)
    result = spice.recall(learned(), start, spice.Circuit(rho=0.5, cycles=120), seed=0)
    assert exact(result, stored)
    assert int(result.pattern @ start) > 0
    assert result.settled
    assert result.energies.balanced
    assert result.phases_rad.shape[1] == N


def test_shuffled_weights_do_not_recall_the_letter() -> None:
    start, stored = corrupted(0)
    circuit = spice.Circuit(rho=0.5, cycles=60)
    assert not exact(spice.recall(shuffled(learned()), start, circuit, seed=0), stored)


def test_without_coupling_the_start_stays() -> None:
    start, _ = corrupted(1)
    circuit = spice.Circuit(cycles=25)
    result = spice.recall(0 * learned(), start, circuit, seed=1)
    assert np.array_equal(result.pattern, start)


@pytest.mark.full
def test_thirty_corrupted_letters_are_recalled_at_the_default_settings() -> None:
    weights, hits, settled, seconds, balance = learned(), 0, 0, 0.0, 0.0
    for trial in range(30):
        start, stored = corrupted(trial)
        result = spice.recall(weights, start, seed=trial)
        hits += exact(result, stored)
        settled += result.settled
        seconds += result.seconds
        balance = max(balance, abs(result.balance))
    low, high = wilson_interval(hits, 30)
    print(
        f"exact {hits}/30 [{low:.2f}, {high:.2f}], settled {settled}/30, "
        f"{seconds / 30:.1f} s a run, worst balance {balance:.1e}"
    )
    assert hits >= 27
    assert balance < 0.005


@pytest.mark.full
def test_thirty_shuffled_or_uncoupled_runs_recall_next_to_nothing() -> None:
    weights = shuffled(learned())
    hits = 0
    for trial in range(30):
        start, stored = corrupted(trial)
        circuit = spice.Circuit(rho=0.5, cycles=60)
        hits += exact(spice.recall(weights, start, circuit, seed=trial), stored)
    assert hits <= 3
