"""The schematics of the cells, read back as netlists, are the circuits; the drawings are fresh."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import DraiError
from drai_hw.report.schematics import DRAWINGS, __main__, pen
from drai_hw.spice.crossbar import Crossbar
from drai_hw.spice.crossbar.export import netlist as crossbar_netlist
from drai_hw.spice.learning import Synapse
from drai_hw.spice.ledger import tank_cycle
from drai_hw.spice.memristive import branch, coupled, pairs
from drai_hw.spice.memristors import MODELS

FOLDER = Path(__file__).resolve().parent.parent / __main__.FOLDER


def elements(text):
    """Return the words of a netlist's elements by name."""
    lines = [line.split() for line in text.splitlines()[1:]]
    return {words[0]: words[1:] for words in lines if words and words[0][0] not in "*."}


def drawn(name):
    return DRAWINGS[name]().nodes()


def joined(name):
    """Return a drawing's parts with two and three terminals, blocks left out."""
    return {part: ends for part, ends in drawn(name).items() if "." not in part}


def test_the_drawings_in_the_docs_are_those_of_today():
    assert __main__.main(["--check", str(FOLDER)]) == 0
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(DRAWINGS)
    page = (FOLDER.parent / "circuit.md").read_text()
    assert re.findall(r"\(circuit/([\w-]+)\.svg\)", page) == list(DRAWINGS)


def test_a_changed_or_missing_drawing_is_named(tmp_path):
    assert __main__.main([str(tmp_path)]) == 0
    (tmp_path / "tank.svg").write_text("<svg/>")
    (tmp_path / "ring.svg").unlink()
    with pytest.raises(DraiError, match=r"tank\.svg, .*ring\.svg: not what is drawn today; make"):
        __main__.main(["--check", str(tmp_path)])


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_well_formed_and_keeps_within_its_paper(name):
    sheet = DRAWINGS[name]()
    root = ElementTree.fromstring(sheet.svg())
    assert root.get("aria-label") == sheet.title
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for part in joined(name):
        assert any(word.split(" (")[0] == part for word in words), part
    for a, b in sheet.wires:
        assert all(0 <= x <= sheet.width and 0 <= y <= sheet.height for x, y in (a, b))


def test_the_tank_is_that_of_the_netlist():
    made = elements(spice.create(np.zeros((1, 1)), spice.Circuit(), start_phases=[0.0]).text)
    assert joined("tank") == {name: tuple(words[:2]) for name, words in made.items()}


def test_the_cross_coupled_tank_is_that_of_the_ledger(monkeypatch):
    texts = []

    def keep(text, **_):
        texts.append(text)
        raise InterruptedError

    monkeypatch.setattr(tank_cycle, "simulate", keep)
    with pytest.raises(InterruptedError):
        tank_cycle.tank_cycle()
    made = elements(texts[0])
    assert made.pop("Vdd")[:2] == ["vdd", "0"]
    assert joined("cross-coupled") == {
        name: tuple(words[: 3 if name[0] == "M" else 2]) for name, words in made.items()
    }


def test_the_couplings_are_those_of_both_signs():
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = 1
    weights[2, 3] = weights[3, 2] = -1
    made = elements(spice.create(weights, spice.Circuit(), start_phases=[0.0] * 4).text)
    found = joined("couplings")
    assert found == {n: tuple(w[:2]) for n, w in made.items() if n.startswith("Rw")}
    assert len(found) == 4


def test_the_ring_has_the_inverters_of_the_netlist():
    circuit = spice.Circuit(kind="ring", ring_stages=3)
    made = elements(spice.create(np.zeros((1, 1)), circuit, start_phases=[0.0]).text)
    both = [
        {n[2:]: (w[1], w[0]) for n, w in made.items() if n.startswith(kind)}
        for kind in ("Mn", "Mp")
    ]
    assert joined("ring") == both[0] == both[1]


def test_single_ended_rings_have_the_inverters_and_the_crossed_resistors_of_the_netlist():
    circuit = spice.Circuit(kind="ring", ring_topology="single-ended", ring_stages=3)
    weights = np.array([[0.0, -1.0], [-1.0, 0.0]])
    made = elements(spice.create(weights, circuit, start_phases=[0.0, 1.0]).text)
    crossed = {n: (w[0], w[1]) for n, w in made.items() if n.startswith("Rw")}
    both = [
        {n[2:]: (w[1], w[0]) for n, w in made.items() if n.startswith(kind)}
        for kind in ("Mn", "Mp")
    ]
    assert joined("single-ended") == both[0] | crossed == both[1] | crossed
    assert len(crossed) == 2


def test_the_memristor_branches_are_those_of_the_netlist():
    weights = np.array([[0, 1], [1, 0]])
    found = pairs(weights, spice.Circuit(rho=0.1, amplitude_v=0.1), MODELS["stanford_pku"])
    made = elements("\n" + "\n".join(branch("", "one", "other", 0.5, found)))
    shown = joined("memristor-branch")
    assert shown == {n: tuple(w[:2]) for n, w in made.items() if n[0] in "Sx"}
    words = DRAWINGS["memristor-branch"]().svg()
    for name in ("Sr", "Sq", "Sw", "Sv"):
        assert f">{name} ({made[name][2]})<" in words
    lines = coupled(("p0", "n0", "p1", "n1"), "", found, 0, 1, devices=False)
    made = {
        name.removeprefix("Rw"): words for name, words in elements("\n" + "\n".join(lines)).items()
    }
    assert joined("memristor-pair") == {name: tuple(words[:2]) for name, words in made.items()}


def test_the_crossbar_is_that_of_the_netlist():
    made = elements(crossbar_netlist(Crossbar(np.full((2, 2), 1e-4), 2.5), np.ones(2)))
    assert joined("crossbar") == {n: tuple(w[:2]) for n, w in made.items() if n[0] == "r"}


def test_the_synapse_joins_what_the_expressions_read():
    lines = Synapse(read_gain=0.01).elements(spice.Circuit(), 0.5)
    rows = [line.split(maxsplit=3) for line in lines if line[0] != "*"]
    blocks = {"q": "Bq Rq", "c": "Bc", "s": "Bs", "gate": "Bgate", "ramp": "Vramp Venable",
              "write": "Bwritem", "device": "Bmm Bxm", "read": "Bread0 Bread1"}  # fmt: skip

    def told(names):
        nodes = set()
        for name, one, other, words in rows:
            if name in names.split():
                nodes |= {one, other} | set(
                    re.findall(r"\w+", ",".join(re.findall(r"v\(([\w,]+)\)", words)))
                )
        # the two sides of a tank are one line of the drawing; q1 is inside the shifter
        return {re.sub(r"^[pn](?=\d)", "tank", node) for node in nodes} - {"0", "q1"}

    shown = drawn("synapse")
    for block, names in blocks.items():
        wanted = told(names) | ({"q"} if block == "q" else set())
        assert {ends[0] for part, ends in shown.items() if part.split(".")[0] == block} == wanted
    for part, ends in shown.items():
        block, port = part.split(".")
        assert ends[0] == port or (port == "out" and ends[0] == block)


def test_what_is_joined_on_paper_is_one_node():
    sheet = pen.Sheet(100, 100, "test")
    sheet.wire((0, 50), (100, 50))
    sheet.wire((50, 0), (50, 100))
    sheet.resistor("a", (0, 50), (0, 0))
    sheet.resistor("b", (50, 100), (0, 100))
    sheet.net((100, 50), "across")
    assert sheet.nodes() == {"a": ("across", "?1"), "b": ("?2", "?3")}, "lines only cross"
    sheet.dot((50, 50))
    assert sheet.nodes()["b"] == ("across", "?2")
    sheet.net((50, 0), "down")
    with pytest.raises(ValueError, match="test: down and across are joined"):
        sheet.nodes()
