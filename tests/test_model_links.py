"""Missing links on the integer machines: a weight word of their own, which nothing changes."""

import numpy as np
import pytest

import drai_hw as dh
from drai_hw.errors import SpecError
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.spec.mask import load_mask

F = Formats(n=10, lanes=4, pages=3, mask=True, decay=True, budget=True, centring=True)
RING = load_mask("ring:2", 10)
ALWAYS = Settings(gain=900, eta=65536, decay=65536, shrink=65536, centre=65535, gates=0, dither=9)


@pytest.mark.parametrize("machine", [Twin, CompiledTwin])
def test_no_mechanism_moves_the_weight_of_a_missing_link(machine):
    twin = machine(F)
    twin.load_links(RING)
    twin.configure(ALWAYS)
    twin.load_phases(np.random.default_rng(1).integers(0, 1 << 16, 10))
    changed = np.zeros((10, 10), dtype=bool)
    for _ in range(40):
        twin.run(1, field=True, census=True, learn=True)
        changed |= twin.read_weights() != 0
        words = twin.weight_words()
        s = twin._schedule
        assert (words[s.used & ~twin.links[s.i, s.j]] == F.no_link).all()
        assert (np.abs(words[s.used & twin.links[s.i, s.j]]) <= F.w_max).all()
    assert np.array_equal(changed, RING)
    assert twin.counters().visited == 40 * RING.sum() // 2


@pytest.mark.parametrize("machine", [Twin, CompiledTwin])
def test_a_missing_link_pulls_like_a_weight_of_0(machine):
    whole, part = machine(Formats(n=10, lanes=4, pages=3)), machine(F)
    part.load_links(RING)
    rng = np.random.default_rng(2)
    upper = np.triu(rng.integers(-15, 16, (10, 10)) * RING, 1)
    theta = rng.integers(0, 1 << 16, 10)
    for twin in (whole, part):
        twin.load_weights(upper + upper.T)
        twin.load_phases(theta)
        twin.configure(Settings(gain=900, dither=5, margin=40))
        twin.run(30, field=True)
    assert np.array_equal(whole.theta, part.theta)
    assert np.array_equal(whole.margin, part.margin)


def test_a_mask_from_the_network_file_holds_on_the_twin():
    stored = dh.patterns("random:2", 36, seed=3)
    nets = [
        dh.Network(36, machine=machine, network={"mask": "grid:6", "initial_weight": 1})
        for machine in ("float", "twin")
    ]
    links = load_mask("grid:6", 36)
    for net in nets:
        assert np.array_equal(net.weights != 0, links)
        net.learn(stored)
        assert not net.weights[~links].any()
        assert np.count_nonzero(net.weights[links]) > links.sum() / 2


def test_new_links_start_at_weight_0():
    twin = Twin(F)
    twin.load_weights(3 * (np.ones((10, 10), dtype=int) - np.eye(10, dtype=int)))
    twin.load_links(RING)
    assert not twin.read_weights().any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.load_links(np.ones((3, 3))), r"links of shape \(3, 3\): needs 10 x 10"),
        (lambda t: t.load_links(np.triu(np.ones((10, 10)))), r"links must be symmetric"),
        (lambda t: t.load_weights(2 * (np.ones((10, 10)) - np.eye(10))),
         r"weight \[\d, \d\] = 2: the mask has no link between these two; needs 0"),
    ],
)  # fmt: skip
def test_links_and_weights_that_do_not_fit_are_refused(call, message):
    twin = Twin(F)
    twin.load_links(RING)
    with pytest.raises(SpecError, match=message):
        call(twin)
