"""Electrical rules: nodes that hang in the air, nodes without a path for direct current, loops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drai_hw.spice.lint.cards import Card, Diagnosis

_PINS = {"m": 4, "q": 3, "j": 3, "s": 4, "t": 4}
_TWO = "rclvibdefghw"
_HOLDS_VOLTAGE = "vehl"
_GROUND = frozenset({"0", "gnd"})
_PROBE = re.compile(r"(?<![\w.])v\s*\(\s*([^(),\s]+)\s*(?:,\s*([^(),\s]+)\s*)?\)", re.IGNORECASE)


@dataclass
class _Scope:
    """Collect what is connected in a subcircuit, or outside of all."""

    held: set[str]
    touched: dict[str, list[tuple[Card, int]]] = field(default_factory=dict)
    direct: dict[str, str] = field(default_factory=dict)
    stiff: dict[str, str] = field(default_factory=dict)
    probed: dict[str, tuple[Card, int]] = field(default_factory=dict)
    loops: list[Card] = field(default_factory=list)
    unknown: bool = False

    def root(self, links: dict[str, str], node: str) -> str:
        while (above := links.setdefault(node, node)) != node:
            node = above
        return node

    def join(self, links: dict[str, str], one: str, other: str) -> bool:
        """Connect two nodes; return False if they were connected before."""
        a, b = self.root(links, one), self.root(links, other)
        links[a] = b
        return a != b


def check(cards: list[Card]) -> list[Diagnosis]:
    """
    Return nodes and loops that leave ngspice without a solution.

    Each subcircuit is looked at by itself; its pins count as connected to something that conducts,
    and so do the pins of a subcircuit that is called.

    Parameters
    ----------
    cards : list of Card
        Cards as given, before anything is mended.
    """
    found: list[Diagnosis] = []
    everywhere = {
        node.lower() for card in cards if card.word == ".global" for node in card.text.split()[1:]
    }
    scopes = [_Scope(set(_GROUND) | everywhere)]
    for card in cards:
        if card.word in (".subckt", ".macro"):
            plain = re.sub(r"\s*=\s*", "=", re.split(r"\bparams:", card.text, flags=re.I)[0])
            pins = [word.lower() for word in plain.split()[2:] if "=" not in word]
            scopes.append(_Scope({*_GROUND, *everywhere, *pins}))
        elif card.word in (".ends", ".eom") and len(scopes) > 1:
            found += _judge(scopes.pop())
        elif card.kind != ".":
            _connect(scopes[-1], card)
    while scopes:
        found += _judge(scopes.pop())
    return found


def nodes_of(card: Card) -> list[tuple[str, int]]:
    """Return the nodes of an element with their places in the text; none if it is not known."""
    words = [(match[0], match.start()) for match in re.finditer(r"\S+", card.text)]
    kind = card.kind
    if kind == "x":
        joined = re.split(r"\bparams:|\w+\s*=", card.text, maxsplit=1, flags=re.IGNORECASE)[0]
        words = [word for word in words if word[1] < len(joined.rstrip())]
        chosen = words[1:-1]
    elif kind in _PINS:
        chosen = words[1 : 1 + _PINS[kind]]
    elif kind in tuple("eg") and len(words) > 5 and not re.search(r"[={'(]", card.text):
        chosen = words[1:5]
    elif kind and kind in _TWO:
        chosen = words[1:3]
    else:
        chosen = []
    return [(name.lower(), at) for name, at in chosen]


def _connect(scope: _Scope, card: Card) -> None:
    nodes = nodes_of(card)
    if not nodes:
        scope.unknown = scope.unknown or card.kind == "a"
        return
    for name, at in nodes:
        scope.touched.setdefault(name, []).append((card, at))
    probed = set()
    for match in _PROBE.finditer(card.text):
        for group in (1, 2):
            if match[group]:
                scope.probed.setdefault(match[group].lower(), (card, match.start(group)))
                probed.add(match[group].lower())
    names = [name for name, _ in nodes]
    for one, other in _conducting(card, names, probed):
        scope.join(scope.direct, one, other)
    if _holds(card) and len(names) >= 2 and not scope.join(scope.stiff, names[0], names[1]):
        scope.loops.append(card)


def _holds(card: Card) -> bool:
    """Return whether an element fixes a voltage at direct current."""
    return card.kind in tuple(_HOLDS_VOLTAGE) or (
        card.kind == "b" and re.search(r"\bv\s*=", card.text, re.IGNORECASE) is not None
    )


def _conducting(card: Card, names: list[str], probed: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of nodes between which an element lets direct current pass."""
    kind = card.kind
    if kind == "x":
        yield from ((name, "0") for name in names)
    elif kind in tuple("rlvehdqjswt"):
        last = 2 if kind in tuple("eh") else len(names)
        yield from ((names[0], name) for name in names[1:last])
    elif kind == "m":
        yield names[0], names[2]
        yield names[2], names[3]
    elif kind == "b" and re.search(r"\bv\s*=", card.text, re.IGNORECASE):
        yield names[0], names[1]
    elif kind in tuple("bg") and (probed | set(names[2:])) & set(names[:2]) - {"0"}:
        yield names[0], names[1]  # a current that depends on its own voltage is a conductance


def _judge(scope: _Scope) -> list[Diagnosis]:
    if scope.unknown:
        return []
    found = []
    for held in scope.held:
        scope.join(scope.direct, held, "0")
    for card in scope.loops:
        found.append(_say(card, 0, "closes a loop of sources or inductors, in which ngspice finds "
                          "no current; put a small resistor into it"))  # fmt: skip
    for name, places in scope.touched.items():
        card, at = places[0]
        if name in scope.held:
            continue
        # a voltage that nothing uses is a monitor
        if len(places) == 1 and name not in scope.probed and not _holds(card):
            found.append(_say(card, at, f"node {name!r} is connected to nothing else; is the name "
                              "misspelt?"))  # fmt: skip
        elif scope.root(scope.direct, name) != scope.root(scope.direct, "0"):
            found.append(_say(card, at, f"node {name!r} has no path for direct current to ground; "
                              "a resistor of 1e12 ohm will do"))  # fmt: skip
    for name, (card, at) in scope.probed.items():
        if name not in scope.touched and name not in scope.held:
            found.append(_say(card, at, f"node {name!r} is used in an expression, and no element "
                              "is connected to it"))  # fmt: skip
    return found


def _say(card: Card, index: int, message: str) -> Diagnosis:
    line, column = card.place(index)
    if index == 0:
        message = f"{card.text.split()[0]} {message}"
    return Diagnosis(line, column, "electrical", message, False)
