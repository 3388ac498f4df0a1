"""Rules for expressions: brackets, functions, constants, operators, names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from drai_hw.spice.lint.cards import Card, Diagnosis, arguments, closing
from drai_hw.spice.lint.functions import (
    CONSTANTS,
    HOPELESS,
    INTEGRALS,
    KNOWN,
    NAMES,
    NESTED,
    REWRITTEN,
)

_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
_NAME = re.compile(r"(?<![\w.#])([A-Za-z_]\w*)\b(?!\s*[(=])")
_NUMBER = re.compile(r"(?<![\w.])(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[a-z]*", re.IGNORECASE)
_ELEMENTS = "begrcl"


def expression_start(card: Card) -> int | None:
    """Return where the expression of a card begins, None for a card without one."""
    text = card.text
    if card.word in (".param", ".func"):
        return len(card.word)
    if card.kind not in _ELEMENTS:
        return None
    found = re.search(r"=|\{|'|\bvalue\b|\bcur\b|\bvol\b", text, re.IGNORECASE)
    return found.start() if found else None


class Expressions:
    """
    Check and mend the expressions of a file.

    Parameters
    ----------
    functions : iterable of str
        Defined by ``.func``, lower case.
    """

    def __init__(self, functions: Iterable[str]) -> None:
        self._functions = set(functions)
        self._integrals = 0

    def check(self, card: Card, names: set[str]) -> list[Diagnosis]:
        """
        Return what is wrong with a card, and mend its text.

        Parameters
        ----------
        card : Card
            The card; changed in place.
        names : set of str
            Parameters, arguments and the like that are known here, lower case.
        """
        start = expression_start(card)
        if start is None:
            return []
        found = self._brackets(card, start)
        if any(not each.mended for each in found):
            return found
        found += self._operators(card, start)
        found += self._constants(card, start, names)
        found += self._calls(card, start)
        found += self._names(card, start, names)
        return found

    def _brackets(self, card: Card, start: int) -> list[Diagnosis]:
        pairs = {")": "(", "}": "{"}
        found: list[Diagnosis] = []
        stack: list[int] = []
        index = start
        while index < len(card.text):
            character = card.text[index]
            if character in "({":
                stack.append(index)
            elif character in ")}":
                if stack and card.text[stack[-1]] == pairs[character]:
                    stack.pop()
                elif character == ")":
                    found.append(
                        self._say(
                            card,
                            index,
                            "bracket",
                            "this ')' closes nothing, and ngspice ignores what follows; removed: "
                            "check that it was one too many",
                            True,
                        )
                    )
                    card.replace(index, index + 1, "")
                    continue
                else:  # a brace ends the expression: what is open in it ends here
                    while stack and card.text[stack[-1]] == "(":
                        found.append(self._close(card, stack.pop(), index))
                        index += 1
                    if not stack:
                        return [
                            *found,
                            self._say(
                                card,
                                index,
                                "bracket",
                                "this '}' closes nothing; remove it or open the brace",
                                False,
                            ),
                        ]
                    stack.pop()
            index += 1
        end = len(card.text)
        for opening in reversed(stack):
            if card.text[opening] == "{":
                found.append(
                    self._say(
                        card,
                        opening,
                        "bracket",
                        ("this '{' is never closed; a '}' was added at the end of the line"),
                        True,
                    )
                )
                card.replace(end, end, "}")
            else:
                found.append(self._close(card, opening, len(card.text)))
        return found

    def _close(self, card: Card, opening: int, at: int) -> Diagnosis:
        said = self._say(
            card,
            opening,
            "bracket",
            "this '(' is never closed (one ')' too few); one was added at the end of the "
            "expression: check that it belongs there",
            True,
        )
        card.replace(at, at, ")")
        return said

    def _operators(self, card: Card, start: int) -> list[Diagnosis]:
        found = []
        for sign, by in (("&", "&&"), ("|", "||")):
            pattern = re.compile(rf"(?<!\{sign})\{sign}(?!\{sign})")
            while match := pattern.search(card.text, start):
                found.append(
                    self._say(
                        card,
                        match.start(),
                        "operator",
                        (f"'{sign}' between conditions is {by} in ngspice; replaced"),
                        True,
                    )
                )
                card.replace(match.start(), match.end(), by)
        while (at := card.text.find("~", start)) >= 0:
            found.append(self._say(card, at, "operator", "'~' is ! in ngspice; replaced", True))
            card.replace(at, at + 1, "!")
        if (at := card.text.find("%", start)) >= 0:
            found.append(
                self._say(card, at, "operator", ("ngspice has no '%'; write a-b*floor(a/b)"), False)
            )
        return found

    def _constants(self, card: Card, start: int, names: set[str]) -> list[Diagnosis]:
        found = []
        for name, by in CONSTANTS.items():
            if name in names:
                continue
            pattern = re.compile(rf"(?<![\w.]){name}\b(?!\s*[(=])", re.IGNORECASE)
            while match := pattern.search(card.text, start):
                found.append(
                    self._say(
                        card,
                        match.start(),
                        "constant",
                        (f"ngspice does not know {match[0]!r} in an expression; replaced by {by}"),
                        True,
                    )
                )
                card.replace(match.start(), match.end(), by)
        return found

    def _calls(self, card: Card, start: int) -> list[Diagnosis]:
        found: list[Diagnosis] = []
        # from the last to the first, so that inner calls are put right before outer ones move them
        for match in reversed(list(_CALL.finditer(card.text, start))):
            name = match[1].lower()
            if name in self._functions or (
                card.word == ".func" and match.start() < self._head(card)
            ):
                continue
            end = closing(card.text, match.end() - 1)
            inner = arguments(card.text[match.end() : end])
            if name in NESTED and len(inner) > 2:
                by = NESTED[name](inner)
                self._rewrite(
                    card,
                    match,
                    end,
                    by,
                    found,
                    (f"{name} of {len(inner)} arguments makes ngspice crash; nested"),
                )
            elif name in REWRITTEN:
                by = REWRITTEN[name](inner)
                self._rewrite(
                    card,
                    match,
                    end,
                    by,
                    found,
                    (f"ngspice has no function {match[1]}(); written as {by}"),
                )
            elif name in INTEGRALS:
                self._integrate(card, match, end, inner, found)
            elif name in HOPELESS:
                found.append(
                    self._say(
                        card,
                        match.start(),
                        "function",
                        (f"ngspice has no function {match[1]}(): {HOPELESS[name]}"),
                        False,
                    )
                )
            elif name not in KNOWN:
                close = difflib.get_close_matches(name, [*KNOWN, *self._functions], n=1)
                hint = f"; did you mean {close[0]}()?" if close else "; define it by .func"
                found.append(
                    self._say(
                        card,
                        match.start(),
                        "function",
                        (f"ngspice has no function {match[1]}(), and the file defines none{hint}"),
                        False,
                    )
                )
        return found

    def _rewrite(
        self,
        card: Card,
        match: re.Match[str],
        end: int,
        by: str | None,
        found: list[Diagnosis],
        message: str,
    ) -> None:
        if by is None:
            message = f"{match[1]}() has a number of arguments that it does not take; mend it first"
        found.append(self._say(card, match.start(), "function", message, by is not None))
        if by is not None:
            card.replace(match.start(), end + 1, by)

    def _integrate(
        self, card: Card, match: re.Match[str], end: int, inner: list[str], found: list[Diagnosis]
    ) -> None:
        if card.kind == "." or len(inner) > 2:
            found.append(
                self._say(
                    card,
                    match.start(),
                    "function",
                    f"ngspice has no {match[1]}(); a capacitor fed by a source of that current "
                    "integrates, which cannot be put here: write it where the function is used",
                    False,
                )
            )
            return
        self._integrals += 1
        node = f"lint_sdt{self._integrals}"
        initial = inner[1] if len(inner) == 2 else "0"
        card.before += [
            f"B{node} 0 {node} I={inner[0]}",
            f"C{node} {node} 0 1 IC={initial}",
            f"R{node} {node} 0 1e12",
        ]
        found.append(
            self._say(
                card,
                match.start(),
                "function",
                f"ngspice has no {match[1]}(); a capacitor integrates instead, node {node} (give "
                "uic to .tran if it begins at another value than 0)",
                True,
            )
        )
        card.replace(match.start(), end + 1, f"V({node})")

    def _names(self, card: Card, start: int, names: set[str]) -> list[Diagnosis]:
        known = names | NAMES | {"value", "cur", "vol", "params", "table", "poly"}
        text = _without_probes(card.text)
        begin = self._head(card) if card.word == ".func" else start
        text = _NUMBER.sub(lambda m: " " * len(m[0]), text)
        found = []
        for match in _NAME.finditer(text, begin):
            name = match[1].lower()
            if name in known:
                continue
            known.add(name)
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            found.append(
                self._say(
                    card,
                    match.start(),
                    "name",
                    (f"{match[1]!r} is no parameter, argument or constant here{hint}"),
                    False,
                )
            )
        return found

    @staticmethod
    def _head(card: Card) -> int:
        """Return where the body of a ``.func`` begins."""
        at = card.text.find(")")
        return at + 1 if at >= 0 else len(card.text)

    @staticmethod
    def _say(card: Card, index: int, rule: str, message: str, mended: bool) -> Diagnosis:
        line, column = card.place(index)
        return Diagnosis(line, column, rule, message, mended)


def _without_probes(text: str) -> str:
    """Blank ``v(...)`` and ``i(...)``: nodes and elements are no parameters."""
    blank: Callable[[re.Match[str]], str] = lambda m: " " * len(m[0])  # noqa: E731
    return re.sub(r"(?<![\w.])[vi]\s*\([^()]*\)", blank, text, flags=re.IGNORECASE)
