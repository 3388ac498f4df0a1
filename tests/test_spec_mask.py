"""Structural masks by name, list and file."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from drai_hw.cli.common import load_job
from drai_hw.errors import SpecError
from drai_hw.spec.mask import links_of, load_mask


def test_no_mask_means_all_pairs():
    assert load_mask("", 5) is None


def test_a_ring_links_its_neighbours():
    mask = load_mask("ring:2", 9)
    assert np.array_equal(np.flatnonzero(mask[0]), [1, 2, 7, 8])
    assert np.array_equal(mask.sum(axis=1), [4] * 9)


def test_a_grid_links_four_neighbours_and_does_not_wrap():
    mask = load_mask("grid:3", 8)
    assert np.flatnonzero(mask[4]).tolist() == [1, 3, 5, 7]
    assert np.flatnonzero(mask[2]).tolist() == [1, 5]
    assert np.flatnonzero(mask[3]).tolist() == [0, 4, 6]


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_a_random_mask_is_connected_and_has_its_share_of_links(share):
    mask = load_mask(f"random:{share}", 40, seed=3)
    assert connected_components(mask)[0] == 1
    assert mask.sum() // 2 == max(39, round(share * 780))
    assert np.array_equal(mask, mask.T)
    assert not np.diag(mask).any()
    assert (mask != load_mask(f"random:{share}", 40, seed=4)).any() or share == 1


def test_a_file_and_the_list_of_its_links_say_the_same(tmp_path):
    mask = load_mask("random:0.3", 10, seed=1)
    np.save(tmp_path / "links.npy", mask.astype(int))
    assert np.array_equal(load_mask("links.npy", 10, folder=tmp_path), mask)
    assert np.array_equal(load_mask(links_of(mask), 10), mask)


def test_a_job_carries_the_links_of_its_file(tmp_path):
    np.save(tmp_path / "links.npy", np.ones((4, 4)))
    path = tmp_path / "net.toml"
    path.write_text('schema = 1\n[network]\nname = "m"\noscillators = 4\nmask = "links.npy"\n'
                    '[task]\nkind = "lock"\n')  # fmt: skip
    job = load_job(str(path), None, None)
    assert len(job.spec.network.mask) == 6


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("star:3", r"network.mask = 'star:3': needs \"ring:K\""),
        ("ring:0", r"'ring:0': needs a whole number from 1 to 5"),
        ("grid:2.5", r"'grid:2.5': needs a whole number"),
        ("random:1.5", r"needs a share above 0 to 1"),
        ([(0, 6)], r"has the pair \[0, 6\]: needs two different oscillators from 0 to 5"),
        ([(2, 2)], r"has the pair \[2, 2\]"),
        (
            "absent.npy",
            r"cannot read network.mask '.*absent.npy': No such file.*needs a .npy array of",
        ),
    ],
)
def test_bad_masks_are_refused(source, message):
    with pytest.raises(SpecError, match=message):
        load_mask(source, 6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((3, 3)), r"has shape \(3, 3\); needs \(6, 6\)"),
        (np.triu(np.ones((6, 6))), "zeros and ones that are symmetric"),
        (2 * np.ones((6, 6)), "zeros and ones"),
    ],
)
def test_bad_files_are_refused(tmp_path, values, message):
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(SpecError, match=message):
        load_mask("m.npy", 6, folder=tmp_path)
