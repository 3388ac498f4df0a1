import copy
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from drai_hw.report import render
from drai_hw.report.render import quantity_text

STORED = [1, -1, 1, 1, -1, -1]
START = [-1, -1, 1, 1, -1, -1]
WRONG = [1, -1, 1, 1, 1, -1]


def quantity(name, value, unit, method):
    return {"name": name, "value": value, "unit": unit, "method": method}


def data():
    time = np.linspace(0, 10, 40)
    phases = np.where(np.array(STORED) > 0, 0, np.pi) + np.outer(np.exp(-time), np.ones(6))
    use = {"used": 120, "available": 480}
    return {
        "name": "tiny",
        "version": "0.1.0",
        "oscillators": 6,
        "verdict": {"status": "agree", "sentence": "All four recall <the same> patterns."},
        "facts": {"Oscillators": "6 (15 pairs)"},
        "shape": [2, 3],
        "machines": {
            "float": {"hits": 19, "trials": 20, "note": "own learning"},
            "rtl": {"hits": 0, "trials": 0, "reason": "stage sim skipped"},
        },
        "examples": [
            {
                "label": "A",
                "stored": STORED,
                "start": START,
                "ends": {"float": STORED, "twin": [-x for x in STORED], "circuit": WRONG},
            }
        ],
        "phases": [
            {
                "title": "Float model",
                "time": time.tolist(),
                "time_label": "time (steps)",
                "phases_rad": phases.tolist(),
                "sign": STORED,
            }
        ],
        "weights": {"matrix": np.outer(STORED, STORED).tolist(), "limit": 15},
        "checks": [
            {
                "what": "Twin against RTL",
                "result": "2 mismatches",
                "extent": "9 steps",
                "mark": "bad",
            }
        ],
        "board": {
            "title": "iCEBreaker, iCE40UP5K",
            **{key: use for key in ("lut", "ff", "ebr", "spram")},
            "dsp": {"used": 0, "available": 0},
            "quantities": [quantity("fmax", 30.2e6, "Hz", "nextpnr, worst of seeds 1, 2")],
        },
        "activity": [quantity("Toggles", 12.5, "toggles/step", "counted")],
        "circuit": {
            "description": "6 tanks.",
            "quantities": [
                quantity("Energy per recall", 3.3e-7, "J", "tank loss, a lower bound"),
                {"name": "Energy per weight update", "value": None, "reason": "it does not learn"},
            ],
            "ledger": [
                {"name": "cores", "energy_j": 3.3e-7, "power_w": 1.1e-3, "kind": "behavioural"}
            ],
            "notes": ["No thermal noise."],
        },
        "stages": [
            {"name": "model", "status": "done", "seconds": 1.25, "reason": ""},
            {"name": "board", "status": "failed", "seconds": 2.0, "reason": "nextpnr is missing"},
            {"name": "spice", "status": "skipped", "seconds": 0.0, "reason": "twin failed"},
        ],
        "inputs": {
            "toml": "[network]\nname = 'tiny'  # <&>\n",
            "digests": {"network file": "ab" * 16},
            "tools": {"numpy": "2.4.6"},
        },
        "reproduce": ["drai-hw build tiny"],
    }


class Page(HTMLParser):
    """Collects text, attributes that could load something, and checks that tags close."""

    VOID = ("meta", "link", "br", "img", "hr", "path", "rect", "use")

    def __init__(self):
        super().__init__()
        self.open, self.links, self.text, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


def page(content):
    parser = Page()
    parser.feed(render(content))
    assert parser.open == []
    parser.words = re.sub(r"\s+", " ", " ".join(parser.text))
    return parser


def test_the_page_is_made_from_json_alone():
    assert render(json.loads(json.dumps(data()))) == render(data())


def test_the_page_loads_nothing():
    html = render(data())
    seen = page(data())
    assert all(link.startswith("#") for link in seen.links)
    assert not {"script", "link", "img", "iframe"} & set(seen.tags)
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#", "", html)
    assert not re.search(r"https?://(?!www\.w3\.org/)", html)


def test_text_from_outside_is_escaped():
    html = render(data())
    assert "All four recall &lt;the same&gt; patterns." in html
    assert "# &lt;&amp;&gt;" in html


def test_the_verdict_is_the_first_sentence():
    words = page(data()).words
    assert words.index("They agree.") < words.index("Stored and recalled")
    failed = data()
    failed["verdict"] = {"status": "disagree", "sentence": "Twin and RTL differ."}
    assert "They do not agree. Twin and RTL differ." in page(failed).words


def test_rates_stand_with_counts_and_interval():
    words = page(data()).words
    assert "Float model 19 20 0.950" in words
    assert "0.764 to 0.991" in words
    assert "no figure: stage sim skipped" in words


def test_recalls_say_what_is_wrong_and_what_is_inverse():
    html = render(data())
    assert "1 of 6 flipped" in html
    assert "exact, inverse" in html
    assert '<span class="under bad">1 wrong</span>' in html
    assert "A recalled by Circuit (SPICE), wrong pixels: 1" in html


def test_only_machines_that_ran_have_a_column():
    words = page(data()).words
    assert "stored start Float model Fixed-point twin Circuit (SPICE) A" in words


def test_area_stands_beside_what_is_available_and_absent_resources_are_left_out():
    words = page(data()).words
    assert "Logic (LUT4) 120 480 25.0 %" in words
    assert "Multipliers (DSP)" not in words


def test_every_figure_has_unit_and_method():
    words = page(data()).words
    assert "30.2 MHz nextpnr, worst of seeds 1, 2" in words
    assert "330 nJ tank loss, a lower bound" in words


def test_a_missing_figure_gives_its_reason():
    assert "Energy per weight update none it does not learn" in page(data()).words


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("board", "No bitstream: stage board failed (nextpnr is missing)."),
        ("circuit", "No circuit run: stage spice skipped (twin failed)."),
        ("phases", "No phases were recorded: stage spice skipped (twin failed)."),
        ("weights", "No weights: not a part of this run."),
    ],
)
def test_a_missing_part_says_which_stage_left_it_out(part, text):
    content = data()
    del content[part]
    assert text in page(content).words


def test_a_lock_task_has_no_pictures_and_shows_its_offsets():
    content = copy.deepcopy(data())
    del content["machines"], content["examples"]
    content["lock"] = [quantity("Float model", 0.5236, "rad", "closed form 0.5236 rad")]
    words = page(content).words
    assert "Stored and recalled" not in words
    assert "Float model 0.5236 rad (30.00°) closed form 0.5236 rad" in words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (25e6, "Hz", "25 MHz"),
        (4.2e-12, "J", "4.2 pJ"),
        (132978.7, "steps/s", "132,979 steps/s"),
        (188, "clocks", "188 clocks"),
        (0.04, "toggles/step", "0.04 toggles/step"),
        (3_100_000, "1", "3,100,000"),
        (0.25, "1", "0.25"),
        (0.12, "%", "0.12 %"),
    ],
)
def test_numbers_read_as_engineers_write_them(value, unit, text):
    assert quantity_text(value, unit) == text
