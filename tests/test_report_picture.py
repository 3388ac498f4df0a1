"""The picture of a build for a page."""

import json
import xml.etree.ElementTree as ElementTree

from drai_hw.report import picture


def a_report():
    stored = [1, -1, -1, 1]
    ends = {name: stored for name in ("float", "twin", "rtl", "circuit")}
    trace = {"title": "Twin = RTL", "time": [0, 1, 2], "sign": stored,
             "phases_rad": [[0.1, 3, 3, 3], [0, 3, 3, 0.5], [0, 3.1, 3.1, 0]]}  # fmt: skip
    example = {"label": "A", "stored": stored, "start": [1, -1, -1, -1], "ends": ends}
    return {"examples": [example] * 4, "shape": [2, 2], "phases": [trace, trace]}


def test_the_picture_shows_every_machine_and_the_flipped_pixel(tmp_path):
    source, target = tmp_path / "report.json", tmp_path / "out.svg"
    source.write_text(json.dumps(a_report()))
    assert picture.main([str(source), str(target)]) == 0
    text = target.read_text()
    ElementTree.fromstring(text)
    for word in ("stored", "corrupted", "float model", "twin", "RTL", "circuit"):
        assert f">{word}</text>" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.svg", "report.json"]


def test_a_wrong_pixel_has_a_colour_of_its_own():
    figure = picture.draw(a_report(), rows=1)
    start = figure.subfigs[0].axes[1].images[0].get_array()
    assert tuple(start[1, 1]) == tuple(int(0xE9C3BF >> s & 255) / 255 for s in (16, 8, 0))
    assert tuple(start[0, 0]) == tuple(int(0x20242A >> s & 255) / 255 for s in (16, 8, 0))
