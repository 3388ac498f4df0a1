"""A netlist as cards: logical lines whose every character knows its line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Place = tuple[int, int]
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(meg|[tgkmunpf])?[a-z]*", re.IGNORECASE
)
_FACTOR = {
    "": 1.0, "t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9,
    "p": 1e-12, "f": 1e-15,
}  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """
    Hold one thing that keeps ngspice from taking a file as it is meant.

    Parameters
    ----------
    line, column : int
        Where it stands in the given file, from 1.
    rule : str
        Short name.
    message : str
        What is wrong, what ngspice wants, and how it was or could be mended.
    mended : bool
        The mended text has it put right.
    """

    line: int
    column: int
    rule: str
    message: str
    mended: bool


@dataclass
class Card:
    """
    Hold one logical line: continuation lines joined, comments cut off.

    Parameters
    ----------
    text : str
        The line.
    places : list of (int, int)
        Line and column of every character; what was put in has the place of what it replaced.
    raw : list of str
        The lines as given, kept where nothing is changed.
    before : list of str
        Lines that mending puts in front.
    after : list of str
        Lines that mending adds behind.
    changed : bool
        The text is no longer what was given.
    """

    text: str
    places: list[Place]
    raw: list[str]
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    changed: bool = False

    @property
    def word(self) -> str:
        """Return the first word in lower case, empty for blank lines and comments."""
        return self.text.split(None, 1)[0].lower() if self.text.strip() else ""

    @property
    def kind(self) -> str:
        """Return the letter of an element, ``.`` of a command, or nothing."""
        return self.word[:1]

    def place(self, index: int) -> Place:
        """Return line and column of a character, of the last one beyond the end."""
        return self.places[min(index, len(self.places) - 1)] if self.places else (1, 1)

    def replace(self, start: int, end: int, by: str) -> None:
        """Replace a part of the text."""
        where = self.place(start)
        self.text = self.text[:start] + by + self.text[end:]
        self.places[start:end] = [where] * len(by)
        self.changed = True

    def lines(self) -> list[str]:
        """Return the lines as the mended file has them."""
        return [*self.before, *([self.text] if self.changed else self.raw), *self.after]


def read_cards(text: str) -> list[Card]:
    """Return the cards of a file, comments and blank lines among them as cards without text."""
    cards: list[Card] = []
    latest: Card | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        stripped = raw.lstrip()
        if not stripped or stripped[0] in "*$;" or stripped.startswith("//"):
            cards.append(Card("", [], [raw]))
            continue
        end = _comment(raw)
        start = len(raw) - len(stripped)
        if stripped[0] == "+" and latest is not None:
            # comments between a line and its continuation stay where they were, behind the card
            latest.raw.append(raw)
            body = raw[start + 1 : end].rstrip()
            latest.text += " " + body
            latest.places += [(number, start + 1 + k) for k in range(len(body) + 1)]
            continue
        body = raw[start:end].rstrip()
        latest = Card(body, [(number, start + 1 + k) for k in range(len(body))], [raw])
        cards.append(latest)
    return cards


def _comment(line: str) -> int:
    """Return where a comment at the end of a line begins."""
    ends = [len(line)]
    for mark in (";", " $", "\t$", "//"):
        if (at := line.find(mark)) >= 0:
            ends.append(at)
    return min(ends)


def closing(text: str, opening: int) -> int:
    """Return the index of the bracket that closes the one at ``opening``, -1 if none does."""
    depth = 0
    for index in range(opening, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index
    return -1


def arguments(text: str) -> list[str]:
    """Return what stands between the commas that lie in no bracket."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "({[") - (character in ")}]")
        if character == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def number(text: str) -> float | None:
    """Return a number as netlists write it, ``1k`` or ``10meg``; None for anything else."""
    match = _NUMBER.fullmatch(text)
    return None if match is None else float(match[1]) * _FACTOR[(match[2] or "").lower()]
