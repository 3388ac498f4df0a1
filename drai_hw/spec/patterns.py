"""Patterns of -1/+1: letters of a packaged font, scikit-learn's digits, random ones, or a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.files import given_array, given_text
from drai_hw.spec.glyphs import glyph

LETTER_WIDTH, LETTER_HEIGHT = 5, 7
MOST_RANDOM = 10_000  # of 4,096 oscillators: 0.3 GB
DIGIT_WIDTH = 8


@dataclass(frozen=True)
class Patterns:
    """Patterns to store.

    Attributes
    ----------
    values : array of int64, shape (M, N)
        Rows of -1/+1; +1 is a lit pixel.
    labels : tuple of str
        A name for each.
    width : int
        Pixels in a row of the picture.
    """

    values: NDArray[np.int64]
    labels: tuple[str, ...]
    width: int


def load_patterns(
    source: str | Sequence[str] | Sequence[Sequence[int]],
    oscillators: int,
    *,
    width: int | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> Patterns:
    """Return the patterns that a network file names.

    Parameters
    ----------
    source : str or sequence
        ``"letters:ACXTH"`` (5 x 7 dots), ``"glyphs:ACXTH"`` (outlines at the network's size, see
        `drai_hw.spec.glyphs`; ``A-Z`` is a range), ``"digits:0,1"``, ``"random:5"``, a path to a
        .npy or .txt file, rows of characters (``#``, ``+``, ``1`` lit; ``.``, ``-``, ``0`` dark)
        or rows of -1/+1.
    oscillators : int
        N, pixels of each pattern.
    width : int, optional
        Pixels in a row; by default that of the font, or a near-square.
    seed : int
        Seed of ``random:``.
    folder : Path, optional
        Where relative paths start.

    Raises
    ------
    SpecError
        Wrong shape, values other than -1/+1, unknown letters, unreadable file.
    """
    if not isinstance(source, str):
        rows = [_characters(row) if isinstance(row, str) else list(row) for row in source]
        labels = [str(number) for number in range(len(rows))]
        return _checked(rows, labels, width, oscillators, "task.patterns")
    kind, _, argument = source.partition(":")
    if kind == "letters":
        letters = [letter(character) for character in argument]
        return _checked(letters, list(argument), LETTER_WIDTH, oscillators, source)
    if kind == "glyphs":
        columns = width or _near_square(oscillators)
        height = oscillators // columns
        names = _with_ranges(argument)
        glyphs = [glyph(character, columns, height) for character in names]
        return _checked(glyphs, names, columns, oscillators, source)
    if kind == "digits":
        return _digits(argument, oscillators, source)
    if kind == "random":
        # Of ASCII digits: str.isdigit takes superscripts, too, and int() does not.
        if not re.fullmatch("[0-9]{1,6}", argument) or not 1 <= int(argument) <= MOST_RANDOM:
            raise SpecError(
                f'patterns {source!r}: needs a count from 1 to {MOST_RANDOM}, as in "random:5"'
            )
        rng = np.random.default_rng(seed)
        drawn = rng.choice([-1, 1], size=(int(argument), oscillators))
        return _checked(drawn, [str(k) for k in range(len(drawn))], width, oscillators, source)
    values = read_patterns((folder or Path()) / source)
    labels = [str(k) for k in range(values.shape[0] if values.ndim else 0)]
    return _checked(values, labels, width, oscillators, source)


def letter(character: str) -> NDArray[np.int64]:
    """Return one 5x7 letter of luma.core's LCD font, row by row from the top."""
    from luma.core.legacy.font import LCD_FONT

    if len(character) != 1 or not 0x21 <= ord(character) <= 0x7E:
        raise SpecError(
            f"letter {character!r}: the font has the printable ASCII characters, ! to ~"
        )
    columns = LCD_FONT[ord(character)][:LETTER_WIDTH]
    lit = [[column >> row & 1 for column in columns] for row in range(LETTER_HEIGHT)]
    return np.where(np.array(lit).ravel() > 0, 1, -1)


def _with_ranges(characters: str) -> list[str]:
    """Return the characters, "A-Z" written out."""
    out: list[str] = []
    at = 0
    while at < len(characters):
        first, dash, last = characters[at], characters[at + 1 : at + 2], characters[at + 2 : at + 3]
        if dash == "-" and last >= first:
            out += [chr(code) for code in range(ord(first), ord(last) + 1)]
            at += 3
        else:
            out.append(first)
            at += 1
    return out


def _digits(argument: str, oscillators: int, source: str) -> Patterns:
    wanted = [part.strip() for part in argument.split(",")]
    if not all(part in list("0123456789") for part in wanted):
        raise SpecError(f'patterns {source!r}: needs digits 0 to 9, as in "digits:0,1,4"')
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = []
    for part in wanted:
        # The mean image of the class, thresholded at its own median, is a pattern with as many
        # lit as dark pixels: balanced patterns interfere least.
        mean = data.data[data.target == int(part)].mean(axis=0)
        rows.append(np.where(mean > np.median(mean), 1, -1))
    return _checked(rows, wanted, DIGIT_WIDTH, oscillators, source)


def read_patterns(path: Path) -> NDArray[np.int64]:
    """Return the rows of a .npy array or of a text file (one pattern a line)."""
    needs = "a .npy array of -1/+1 (M x N), or a text file with one pattern of # and . a line"
    if path.suffix == ".npy":
        return given_array(path, "patterns", needs)
    lines = given_text(path, "patterns", needs, encoding="ascii").split()
    return np.array(_rectangle([_characters(line) for line in lines], str(path)))


def _characters(row: str) -> list[int]:
    meaning = dict.fromkeys("#+1", 1) | dict.fromkeys(".-0", -1)
    for character in row:
        if character not in meaning:
            raise SpecError(
                f"pattern row {row!r}: character {character!r}; needs #, + or 1 for lit, "
                "and ., - or 0 for dark"
            )
    return [meaning[character] for character in row]


def _rectangle(rows: Sequence[ArrayLike], what: str) -> list[ArrayLike]:
    lengths = {np.size(row) for row in rows}
    if len(lengths) > 1:
        raise SpecError(
            f"patterns {what}: rows of {', '.join(map(str, sorted(lengths)))} pixels; all need the "
            "same length"
        )
    return list(rows)


def _checked(
    rows: ArrayLike | Sequence[ArrayLike],
    labels: list[str],
    width: int | None,
    oscillators: int,
    what: str,
) -> Patterns:
    values = np.array(_rectangle(list(rows), what)) if isinstance(rows, list) else np.asarray(rows)
    check_values(values, what)
    if values.shape[1] != oscillators:
        raise SpecError(
            f"patterns {what}: {values.shape[1]} pixels each; the network has "
            f"{oscillators} oscillators; set network.oscillators = {values.shape[1]}"
        )
    columns = width or _near_square(oscillators)
    if oscillators % columns:
        raise SpecError(
            f"task.width = {columns}: does not divide the {oscillators} oscillators into rows"
        )
    return Patterns(values.astype(np.int64), tuple(labels), columns)


def check_values(values: NDArray, what: str) -> None:
    """Raise `SpecError` unless ``values`` is M x N of -1 and +1, M >= 1."""
    if values.ndim != 2 or values.size == 0:
        raise SpecError(
            f"patterns {what}: array of shape {values.shape}; needs M x N: a row for each "
            "pattern, a column for each oscillator"
        )
    needs = "needs -1 and +1 only (from 0/1: 2*x - 1)"
    if values.dtype.kind not in "iuf":  # and no look at the values: damaged text may hold anything
        raise SpecError(f"patterns {what}: values of type {values.dtype}; {needs}")
    if not np.isin(values, (-1, 1)).all():
        found = [x for x in np.unique(values).tolist() if x not in (-1, 1)][:3]
        raise SpecError(f"patterns {what}: values {', '.join(map(str, found))}; {needs}")


def _near_square(count: int) -> int:
    """Return the divisor of ``count`` nearest to its square root, from above."""
    return min(d for d in range(1, count + 1) if count % d == 0 and d * d >= count)


def corrupt(
    pattern: NDArray[np.int64], flips: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a copy with ``floor(flips * N + 0.5)`` distinct pixels inverted."""
    count = int(np.floor(flips * pattern.size + 0.5))
    out = pattern.copy()
    out[rng.choice(pattern.size, size=count, replace=False)] *= -1
    return out
