"""The whole of `drai-hw lint`: diagnoses, the mended text, and what ngspice itself says."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.engine import find_ngspice
from drai_hw.spice.lint import electrical, structure
from drai_hw.spice.lint.cards import Card, Diagnosis, read_cards
from drai_hw.spice.lint.expressions import Expressions

TIMEOUT_S = 20.0
_ANALYSIS = (".tran", ".op", ".dc", ".ac", ".noise", ".tf", ".pz")
_SAID = re.compile(
    r"error|no such|undefined|unknown|could not|can't find|mismatch|unable|cannot", re.IGNORECASE
)
_EMPTY = re.compile(r"^Error on line \d+ or its substitute:$|^ERROR: fatal error|interrupted")


@dataclass(frozen=True)
class Report:
    """
    Hold what was found.

    Parameters
    ----------
    diagnoses : tuple of Diagnosis
        In the order of the file.
    text : str
        The mended text; the given one where nothing was mended.
    """

    diagnoses: tuple[Diagnosis, ...]
    text: str

    @property
    def open(self) -> tuple[Diagnosis, ...]:
        """Return what is left to the author."""
        return tuple(each for each in self.diagnoses if not each.mended)


def lint(text: str, folder: Path | None = None) -> Report:
    """
    Say why ngspice will not take a netlist or a subcircuit, and mend what can be mended.

    Parameters
    ----------
    text : str
        The file.
    folder : Path, optional
        Where the files lie that it includes; here if not given.
    """
    cards = read_cards(text)
    live = analysed(cards)
    found: list[Diagnosis] = []
    for card in live:
        found += structure.characters(card)
        found += structure.commands(card, folder or Path())
        found += structure.header(card)
        found += structure.switch(card)
        found += structure.extras(card)
    found += structure.blocks(live)
    found += structure.references(live)
    functions = {
        match[1].lower()
        for card in live
        if (match := re.match(r"\.func\s+(\w+)", card.text, re.IGNORECASE))
    }
    expressions = Expressions(functions)
    shared = {name for card in live if card.word == ".param" for name in _assigned(card.text)}
    inside: set[str] = set()
    for card in live:
        if card.word in (".subckt", ".macro"):
            inside = set(_assigned(card.text))
        elif card.word in (".ends", ".eom"):
            inside = set()
        names = shared | inside
        if card.word == ".func" and (match := re.search(r"\(([^)]*)\)", card.text)):
            names = names | {name.strip().lower() for name in match[1].split(",")}
        found += expressions.check(card, names)
    if not {"bracket", "subcircuit"} & {each.rule for each in found}:
        found += electrical.check(analysed(read_cards(text)))
    found.sort(key=lambda each: (each.line, each.column))
    lines = [line for card in cards for line in card.lines()]
    mended = any(card.changed or card.before or card.after for card in cards)
    return Report(tuple(found), "\n".join(lines) + "\n" if mended else text)


def analysed(cards: list[Card]) -> list[Card]:
    """Leave out the title of a whole netlist and what stands in .control blocks."""
    live = []
    control = False
    whole = any(card.word in _ANALYSIS for card in cards)
    for index, card in enumerate(cards):
        first = next((k for k, each in enumerate(cards) if each.raw != [""]), 0)
        if whole and index == first and card.text and card.kind != ".":
            continue
        if card.word == ".control":
            control = True
        if card.text and not control:
            live.append(card)
        if card.word == ".endc":
            control = False
    return live


def _assigned(text: str) -> list[str]:
    return [name.lower() for name in re.findall(r"([A-Za-z_]\w*)\s*(?:\([^)]*\)\s*)?=(?!=)", text)]


def whole_paths(text: str, folder: Path) -> str:
    """Return a netlist that finds the files it includes wherever it is run."""

    def whole(match: re.Match[str]) -> str:
        given = match[2].strip("\"'")
        return f'{match[1]}"{folder.resolve() / given}"'

    for card in (r"\.inc(?:lude)?\s+)(\S+)", r"\.lib\s+)(\S+)(?=[ \t]+\S)"):
        text = re.sub(rf"^([ \t]*{card}", whole, text, flags=re.IGNORECASE | re.MULTILINE)
    return text


def ngspice_says(text: str, folder: Path | None = None) -> str:
    """
    Return ngspice's first complaint about a file, nothing if it takes it.

    A file without an analysis is included in a small test: each of its subcircuits with 1 kohm at
    every pin and 0.1 V at the first.

    Parameters
    ----------
    text : str
        The file.
    folder : Path, optional
        Where the files lie that it includes.

    Raises
    ------
    ToolError
        ngspice is missing.
    """
    program = find_ngspice()
    cards = read_cards(text)
    text = whole_paths(text, folder or Path())
    with tempfile.TemporaryDirectory(prefix="drai_hw_lint_") as place:
        if any(card.word in _ANALYSIS for card in cards):
            deck = text
        else:
            write_whole(Path(place) / "given.lib", text)
            deck = "\n".join(["test", ".include given.lib", *_harness(cards), ".tran 1n 10n",
                              ".end", ""])  # fmt: skip
        write_whole(Path(place) / "test.cir", deck)
        write_whole(Path(place) / ".spiceinit", "set num_threads=1\n")
        try:
            done = subprocess.run(
                [program, "-b", "-r", "test.raw", "test.cir"], cwd=place, capture_output=True,
                text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"it was still busy after {TIMEOUT_S:g} s"
        made = (Path(place) / "test.raw").exists()
    if done.returncode == 0 and made:
        return ""
    said = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines()]
    lines = [line for line in said if _SAID.search(line) and not _EMPTY.search(line)]
    return lines[0] if lines else f"it ended with status {done.returncode} and said nothing"


def _harness(cards: list[Card]) -> list[str]:
    lines = ["vtest in 0 0.1"]
    for number, card in enumerate(card for card in cards if card.word in (".subckt", ".macro")):
        words = re.split(r"\bparams:", card.text, flags=re.IGNORECASE)[0].split()
        pins = [word for word in words[2:] if "=" not in word]
        if "=" in " ".join(words[2:]):
            # "r = 1k": the word before a lone "=" is no pin
            plain = re.sub(r"\s*=\s*", "=", " ".join(words[2:])).split()
            pins = [word for word in plain if "=" not in word]
        nodes = [f"n{number}_{k}" for k in range(len(pins))]
        lines += [f"r{node} {node} {'in' if k == 0 else '0'} 1k" for k, node in enumerate(nodes)]
        lines.append(f"x{number} {' '.join(nodes)} {words[1]}")
    return lines
