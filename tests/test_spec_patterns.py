"""Patterns: font, digits, files, and what is refused."""

import hashlib

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.spec import corrupt, load_patterns
from drai_hw.spec.patterns import letter


def picture(values, width):
    rows = np.asarray(values).reshape(-1, width)
    return ["".join("#" if x > 0 else "." for x in row) for row in rows]


def test_letters_come_upright_from_the_font():
    assert picture(letter("T"), 5) == ["#####"] + ["..#.."] * 6
    assert picture(letter("H"), 5)[3] == "#####"


def test_letters_by_name():
    p = load_patterns("letters:ACXTH", 35)
    assert p.values.shape == (5, 35)
    assert p.labels == tuple("ACXTH")
    assert p.width == 5
    assert set(np.unique(p.values)) == {-1, 1}


def test_digits_are_balanced_and_distinct():
    p = load_patterns("digits:0,1,4,7", 64)
    assert np.abs(p.values.sum(axis=1)).max() <= 2
    assert np.abs(p.values @ p.values.T - 64 * np.eye(4)).max() < 56


def test_random_patterns_follow_the_seed():
    one, same, other = (load_patterns("random:3", 20, seed=s).values for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_patterns_from_files(tmp_path):
    values = np.array([[1, -1, 1, 1], [-1, -1, 1, -1]])
    np.save(tmp_path / "p.npy", values)
    (tmp_path / "p.txt").write_text("#.##\n..#.\n")
    for name in ("p.npy", "p.txt"):
        assert np.array_equal(load_patterns(name, 4, folder=tmp_path).values, values)
    assert np.array_equal(load_patterns(("#.##", "..#."), 4).values, values)
    assert np.array_equal(load_patterns(values.tolist(), 4).values, values)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("letters:AC", r"letters:AC: 35 pixels each; the network has 4 oscillators; .*= 35"),
        ("letters:Aß", r"letter 'ß': the font has the printable ASCII"),
        ("digits:0,x", r"needs digits 0 to 9"),
        ("random:none", r'needs a count from 1 to 10000, as in "random:5"'),
        ("nowhere.npy", r"cannot read patterns 'nowhere.npy': No such file"),
        (((1, 0, 1, 1),), r"values 0; needs -1 and \+1 only \(from 0/1: 2\*x - 1\)"),
        (("#.#",), r"3 pixels each; the network has 4"),
        (("#.#", "##.#"), r"rows of 3, 4 pixels; all need the same length"),
        (("#x##",), r"character 'x'; needs #, \+ or 1"),
    ],
)
def test_bad_patterns_are_refused(source, message):
    with pytest.raises(SpecError, match=message):
        load_patterns(source, 4)


def test_arrays_of_the_wrong_shape_are_refused(tmp_path):
    np.save(tmp_path / "p.npy", np.ones(4))
    with pytest.raises(SpecError, match=r"array of shape \(4,\); needs M x N"):
        load_patterns("p.npy", 4, folder=tmp_path)
    np.save(tmp_path / "q.npy", np.array([["a"]]))
    with pytest.raises(SpecError, match=r"needs -1 and \+1 only"):
        load_patterns("q.npy", 1, folder=tmp_path)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.1, 4), (0.25, 9), (1.0, 35)])
def test_corruption_flips_exactly_the_rounded_share(share, count):
    pattern = letter("A")
    flipped = corrupt(pattern, share, np.random.default_rng(0))
    assert int((flipped != pattern).sum()) == count


def test_a_width_that_does_not_divide_is_refused():
    with pytest.raises(SpecError, match=r"task.width = 3: does not divide the 4 oscillators"):
        load_patterns(("#.##",), 4, width=3)


# -- outline letters --------------------------------------------------------------------------


def test_glyphs_fill_a_picture_of_any_size_and_keep_their_holes():
    p = load_patterns("glyphs:OI", 484)
    assert (p.width, p.labels) == (22, ("O", "I"))
    o, i = p.values.reshape(2, 22, 22) > 0
    assert o[11, [3, 11, 18]].tolist() == [True, False, True]  # a hole between two strokes
    assert o[[0, -1], 11].all()
    assert i[[1, 20], 4].all()  # serifs above and below a stroke
    assert i[11, [2, 11]].tolist() == [False, True]
    for letter_ in (o, i):
        assert np.array_equal(letter_, letter_[:, ::-1])


def test_glyphs_stand_upright():
    picture = load_patterns("glyphs:L", 16 * 24, width=16).values.reshape(24, 16) > 0
    assert picture[-3].sum() > 2 * picture[3].sum() > 0


def test_glyphs_are_the_same_bits_everywhere():
    """The font is one file in all versions of matplotlib: 26 letters, their lit pixels."""
    p = load_patterns("glyphs:A-Z", 484)
    assert p.labels == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    digest = hashlib.sha256(np.packbits(p.values > 0).tobytes()).hexdigest()
    assert digest == "cda07cdbfe7da7b41a37e5eee6803f52287411d52c5c50c5d5c1b19f89a803c7"


@pytest.mark.parametrize(
    ("argument", "labels"),
    [
        ("A-C", "ABC"),
        ("A-CX", "ABCX"),
        ("-A", "-A"),
        ("C-A", "C-A"),
        ("A-", "A-"),
        ("0-2a", "012a"),
    ],
)
def test_a_range_of_glyphs_is_written_out(argument, labels):
    assert load_patterns(f"glyphs:{argument}", 100).labels == tuple(labels)


@pytest.mark.parametrize(
    ("source", "n", "text"),
    [
        ("glyphs:A", 49, r"glyphs on 7 x 7 pixels: needs at least 8 x 8 \(64 oscillators\)"),
        ("glyphs:A ", 64, r"glyph ' ': the font has no such letter; needs ASCII, ! to ~"),
        ("glyphs:\u4e2d", 64, r"glyph '\u4e2d': the font has no such letter"),
    ],
)
def test_glyphs_that_cannot_be_drawn_are_refused(source, n, text):
    with pytest.raises(SpecError, match=text):
        load_patterns(source, n)
