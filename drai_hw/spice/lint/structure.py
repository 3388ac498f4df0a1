"""Rules for cards: commands, subcircuits, models, extra words and characters of other dialects."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from drai_hw.spice.lint.cards import Card, Diagnosis

_DROPPED = {
    ".backanno": "LTspice's mark for its schematic; ngspice stops at it",
    ".step": "ngspice sweeps in a .control block (alter, foreach) or by .dc; it stops at .step",
}
_HOPELESS = {
    ".hdl": "Verilog-A: compile it with OpenVAF and load the .osdi file (ngspice 39 and later)",
    ".machine": "LTspice's state machines have no counterpart",
}
_CHARACTERS = {
    "µ": "u", "μ": "u", "−": "-", "–": "-", "·": "*", "×": "*", "²": "^2", "³": "^3",
    "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u2009": " ", "\ufeff": "", "Ω": "",
}  # fmt: skip
_MODEL_PIN = {"d": 2, "m": 4, "q": 3, "j": 3, "s": 4, "w": 3}


def _say(card: Card, index: int, rule: str, message: str, mended: bool) -> Diagnosis:
    line, column = card.place(index)
    return Diagnosis(line, column, rule, message, mended)


def characters(card: Card) -> list[Diagnosis]:
    """Return characters that are not ASCII, most of them replaced."""
    found = []
    index = 0
    while index < len(card.text):
        character = card.text[index]
        if character.isascii():
            index += 1
            continue
        by = _CHARACTERS.get(character)
        if by is None:
            found.append(_say(card, index, "character", (
                f"{character!r} is no ASCII character; ngspice reads nothing else outside "
                "comments"), False))  # fmt: skip
            index += 1
        else:
            found.append(_say(card, index, "character", (
                f"{character!r} is no ASCII character; replaced by {by!r}"), True))  # fmt: skip
            card.replace(index, index + 1, by)
            index += len(by)
    return found


def commands(card: Card, folder: Path) -> list[Diagnosis]:
    """Return commands that ngspice does not take, and files that are not there."""
    word = card.word
    if word in _DROPPED:
        said = _say(card, 0, "command", f"{word}: {_DROPPED[word]}; made a comment", True)
        card.replace(0, 0, "* ")
        return [said]
    if word in _HOPELESS:
        return [_say(card, 0, "command", f"{word}: {_HOPELESS[word]}", False)]
    if word in (".include", ".inc", ".lib"):
        match = re.match(r"\S+\s+(\"[^\"]*\"|'[^']*'|\S+)(\s+\S+)?", card.text)
        name = match[1].strip("\"'") if match else ""
        # ".lib name" alone opens a section of this file
        is_file = word != ".lib" or (match is not None and match[2] is not None)
        if match and name and is_file and not (folder / name).exists():
            return [_say(card, match.start(1), "file", (
                f"file {name!r} is not there (looked for beside this one); ngspice stops"),
                False)]  # fmt: skip
    if word == ".tran":
        return _transient(card)
    if card.kind == "a" and len(card.text.split()) >= 10:
        return [
            _say(
                card,
                0,
                "element",
                "A elements of LTspice are not those of ngspice (XSPICE code models); write the "
                "function as a B source",
                False,
            )
        ]
    return []


def _transient(card: Card) -> list[Diagnosis]:
    """Return a transient analysis without a step, which is LTspice's way."""
    match = re.match(r"\S+\s+(\S+)(\s+[^a-z\s]\S*)?", card.text, re.IGNORECASE)
    if match is None or (match[2] and not re.fullmatch(r"0+\.?0*s?", match[1].lower())):
        return []
    stop = (match[2] or match[1]).strip()
    said = _say(
        card,
        match.start(1),
        "command",
        "ngspice wants a step for its output before the end of the run; a thousandth of it was "
        "put there",
        True,
    )
    if match[2]:
        card.replace(match.start(1), match.end(1), f"{{{stop}/1000}}")
    else:
        card.replace(match.start(1), match.start(1), f"{{{stop}/1000}} ")
    return [said]


def header(card: Card) -> list[Diagnosis]:
    """Return commas between the parameters of a subcircuit, made blanks."""
    if card.word != ".subckt":
        return []
    found = []
    depth = 0
    for index, character in enumerate(card.text):
        depth += (character in "({'") - (character in ")}")
        if character == "," and depth == 0:
            found.append(_say(card, index, "subcircuit", (
                "a comma between parameters makes ngspice 39 run without end; replaced by a "
                "blank"), True))  # fmt: skip
            card.replace(index, index + 1, " ")
    return found


def extras(card: Card) -> list[Diagnosis]:
    """Return LTspice's extra words of elements: dropped, or made elements of their own."""
    found = []
    if card.kind in ("v", "i") and (match := re.search(r"\bsine(?=\s*\()", card.text, re.I)):
        found.append(_say(card, match.start(), "word", "SINE is SIN in ngspice; replaced", True))
        card.replace(match.start(), match.end(), "SIN")
    if card.kind not in tuple("bcrlegi"):
        return found
    dropped = r"\s+(tripd[vt]|noiseless)(\s*=\s*\S+)?"
    while match := re.search(dropped, card.text, re.IGNORECASE):
        found.append(_say(card, match.start(1), "word", (
            f"{match[1]} belongs to LTspice's solver; removed"), True))  # fmt: skip
        card.replace(match.start(), match.end(), "")
    if card.kind == "b" and (match := re.search(r"\s+ic\s*=\s*\S+$", card.text, re.IGNORECASE)):
        found.append(_say(card, match.start() + 1, "word", (
            "a B source of ngspice takes no ic; removed"), True))  # fmt: skip
        card.replace(match.start(), match.end(), "")
    for word in ("rser", "rpar", "cpar", "lser"):
        match = re.search(rf"\s+{word}\s*=\s*(\{{[^}}]*\}}|\S+)", card.text, re.IGNORECASE)
        if match is None:
            continue
        parts = card.text.split(None, 3)
        if len(parts) < 4:
            continue
        name, plus, minus, _ = parts
        letter = word[0].upper()
        found.append(_say(card, match.start() + 1, "word", (
            f"{word} is LTspice's; made an element {letter}{word}_{name}"), True))  # fmt: skip
        card.replace(match.start(), match.end(), "")
        if word.endswith("par"):
            card.after.append(f"{letter}{word}_{name} {plus} {minus} {match[1]}")
        else:
            node = f"lint_{word}_{name}".lower()
            at = card.text.index(minus, card.text.index(plus, len(name)) + len(plus))
            card.replace(at, at + len(minus), node)
            card.after.append(f"{letter}{word}_{name} {node} {minus} {match[1]}")
    return found


def switch(card: Card) -> list[Diagnosis]:
    """Return PSpice's voltage switch, made one of ngspice."""
    match = re.match(r"(\.model\s+\S+\s+)(v|i)switch\b\s*\(?([^)]*)\)?", card.text, re.IGNORECASE)
    if match is None:
        return []
    current = match[2].lower() == "i"
    given = dict(re.findall(r"(\w+)\s*=\s*(\S+)", match[3].lower()))
    on, off = ("ion", "ioff") if current else ("von", "voff")
    at, width = ("it", "ih") if current else ("vt", "vh")
    high, low = given.pop(on, "1"), given.pop(off, "0")
    rest = "".join(f" {key}={value}" for key, value in given.items() if key in ("ron", "roff"))
    said = _say(
        card,
        match.start(2),
        "model",
        f"ngspice's switch is {'csw' if current else 'sw'} with {at} and {width} in place of {on} "
        f"and {off}; rewritten, and it switches sharply",
        True,
    )
    kind = "csw" if current else "sw"
    text = (
        f"{match[1]}{kind}({at}={{(({high})+({low}))/2}} {width}={{abs(({high})-({low}))/2}}{rest})"
    )
    card.replace(0, len(card.text), text)
    return [said]


def blocks(cards: list[Card]) -> list[Diagnosis]:
    """Return subcircuits that do not end as ngspice wants; ends are added or renamed."""
    found: list[Diagnosis] = []
    opened: Card | None = None
    latest: Card | None = None
    for card in cards:
        if card.word == ".subckt":
            if opened is not None and latest is not None:
                found.append(_unended(opened))
                latest.after.append(".ends")
            opened = card
        elif card.word == ".ends" or (card.word == ".eom" and opened is not None):
            if opened is None:
                found.append(_say(card, 0, "subcircuit", (
                    "this .ends closes nothing; made a comment"), True))  # fmt: skip
                card.replace(0, 0, "* ")
                continue
            if card.word == ".eom":
                found.append(_say(card, 0, "subcircuit", (
                    ".eom closes .macro; a .subckt ends by .ends; replaced"), True))  # fmt: skip
                card.replace(0, 4, ".ends")
            opened = None
        elif card.word == ".end" and opened is not None and latest is not None:
            found.append(_unended(opened))
            latest.after.append(".ends")
            opened = None
        if card.text:
            latest = card
    if opened is not None and latest is not None:
        found.append(_unended(opened))
        latest.after.append(".ends")
    return found


def _unended(card: Card) -> Diagnosis:
    name = [*card.text.split(), "", ""][1]
    return _say(card, 0, "subcircuit", f".subckt {name} has no .ends; one was added", True)


def references(cards: list[Card]) -> list[Diagnosis]:
    """Return subcircuits and models that are used and defined nowhere in the file."""
    words = [card.text.lower().split() for card in cards if card.text]
    if any(line[0] in (".include", ".inc", ".lib") for line in words):
        return []  # they may be there
    subcircuits = {line[1] for line in words if line[0] in (".subckt", ".macro") and line[1:]}
    models = {line[1] for line in words if line[0] == ".model" and line[1:]}
    found = []
    for card in cards:
        parts = card.text.lower().replace("params:", " ").split()
        if card.kind == "x":
            plain = [part for part in parts[1:] if "=" not in part]
            name, known, what = (plain[-1] if plain else ""), subcircuits, ".subckt"
        elif card.kind in _MODEL_PIN and len(parts) > _MODEL_PIN[card.kind] + 1:
            name, known, what = parts[_MODEL_PIN[card.kind] + 1], models, ".model"
            if card.kind == "q" and len(parts) > 5 and name not in models:
                name = parts[5]
        else:
            continue
        if name and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "; add it, or .include its file"
            at = max(card.text.lower().rfind(name), 0)
            found.append(_say(card, at, "reference", (
                f"no {what} {name!r} in this file{hint}"), False))  # fmt: skip
    return found
