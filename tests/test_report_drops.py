"""The map of drops shows every device, the largest drop of all inputs, and comes out the same."""

import xml.etree.ElementTree as ET

import numpy as np

from drai_hw.cli import run
from drai_hw.report.drops import drop_map_svg
from drai_hw.spice.crossbar import Crossbar


def drops():
    rng = np.random.default_rng(0)
    array = Crossbar(10.0 ** -rng.uniform(3, 5, (20, 30)), 2.5)
    return array.solve(rng.uniform(-0.3, 0.3, (20, 4))).drop_v


def test_the_map_is_well_formed_names_its_axes_and_comes_out_the_same():
    drop = drops()
    text = drop_map_svg(drop, "my array")
    assert ET.fromstring(text).tag.endswith("svg")
    for words in (
        "my array",
        "bit line (held at 0 V below)",
        "word line (driven",
        "largest drop (V)",
    ):
        assert words in text
    assert text == drop_map_svg(-drop, "my array")
    # one input's largest is that of all
    assert text == drop_map_svg(np.abs(drop).max(axis=0), "my array")
    other = drop.copy()
    other[2, 3, 4] = 1.0
    assert text != drop_map_svg(other, "my array")


def test_the_command_writes_the_map(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    np.save("g.npy", np.full((6, 5), 1e-4))
    np.save("v.npy", np.full(6, 0.2))
    assert run(["crossbar", "g.npy", "v.npy", "--wire-ohm", "10", "--picture"]) == 0
    assert "build/g/ir-drop.svg" in capfd.readouterr().out
    assert "6 x 5, wire 10 ohm" in (tmp_path / "build/g/ir-drop.svg").read_text()
