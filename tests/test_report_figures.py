import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from drai_hw.report.figures import PhaseTrace, continuous, phases_svg
from drai_hw.report.pixels import align, matrix_svg, pattern_svg, picture_shape

SIGN = np.array([1, -1, 1, 1, -1])


def trace(common=0.0, drift=0.0, samples=60):
    time = np.linspace(0, 1, samples)
    start = np.array([0.9, -1.2, -0.7, 0.4, 1.0])
    home = np.where(SIGN > 0, 0.0, math.pi)
    phases = home + start * np.exp(-6 * time)[:, None] + common + drift * time[:, None]
    return PhaseTrace("Twin", time, "time (steps)", phases, SIGN)


@pytest.mark.parametrize("common", [0.0, 1.0, math.pi, -2.5])
def test_settled_phases_lie_at_0_and_half_a_turn_whatever_the_common_phase(common):
    last = continuous(trace(common))[-1]
    assert last == pytest.approx(np.where(SIGN > 0, 0, math.pi), abs=0.01)


def test_a_common_rotation_is_taken_out():
    still, turning = continuous(trace()), continuous(trace(drift=40.0, samples=400))
    assert turning[:: 400 - 1][-1] == pytest.approx(still[-1], abs=1e-6)
    assert np.abs(np.diff(turning, axis=0)).max() < 0.2


def test_wrapped_phases_are_drawn_without_jumps():
    smooth = trace()
    wrapped = PhaseTrace("", smooth.time, "", np.mod(smooth.phases_rad, 2 * math.pi), SIGN)
    assert continuous(wrapped) == pytest.approx(continuous(smooth), abs=1e-9)


def test_phases_against_the_first_oscillator_start_where_they_were_and_end_within_half_a_turn():
    time = np.linspace(0, 1, 50)
    phases = np.stack([5 * time, 5 * time + 0.25 + 1.75 * (1 - time)], axis=1)
    seen = continuous(PhaseTrace("", time, "", np.mod(phases, 2 * math.pi), SIGN[:2], "first"))
    assert seen[:, 0] == pytest.approx(np.zeros(50))
    assert seen[[0, -1], 1] == pytest.approx([2.0, 0.25])


def test_the_chart_uses_the_colours_of_the_page_and_is_the_same_every_time():
    chart = phases_svg([trace(), trace()])
    assert chart == phases_svg([trace(), trace()])
    root = ET.fromstring(chart)
    assert set(re.findall(r"#[0-9a-fA-F]{6}", chart)) == set()
    assert "var(--plus)" in chart
    assert "var(--minus)" in chart
    assert "Twin" in "".join(root.itertext())
    assert "font-family" not in chart


def test_identifiers_of_a_chart_are_unique_and_every_reference_meets_one():
    chart = phases_svg([trace(), trace()])
    names = re.findall(r'\bid="([^"]+)"', chart)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', chart)) <= set(names)


def test_a_pattern_shows_lit_and_wrong_pixels():
    stored = np.array([1, -1, -1, 1, 1, -1])
    shown = np.array([1, 1, -1, 1, 1, -1])
    svg = pattern_svg(shown, (2, 3), 'the "A" & more', reference=stored)
    root = ET.fromstring(svg)
    paths = {element.get("class"): element.get("d") for element in root}
    assert paths["px-paper"].count("M") == 6
    assert paths["px-on"] == "M0 0h1v1h-1zM1 0h1v1h-1zM0 1h1v1h-1zM1 1h1v1h-1z"
    assert paths["px-wrong"] == "M1 0h1v1h-1z"
    assert root.get("aria-label") == 'the "A" & more'


def test_an_equal_pattern_has_no_wrong_pixel():
    assert "px-wrong" not in pattern_svg(SIGN, (1, 5), "same", reference=SIGN)


def test_the_inverse_counts_as_the_pattern():
    shown, inverse = align(-SIGN, SIGN)
    assert inverse
    assert shown.tolist() == SIGN.tolist()
    assert align(SIGN, SIGN)[1] is False


def test_a_matrix_shows_sign_and_depth():
    root = ET.fromstring(matrix_svg([[0, 15], [-3, 0]], 15, "weights"))
    cells = {(e.get("class"), e.get("fill-opacity")): e.get("d") for e in root if e.get("d")}
    assert cells == {("w-plus", "1"): "M1 0h1v1h-1z", ("w-minus", "0.2"): "M0 1h1v1h-1z"}


def test_a_picture_without_a_known_shape_is_nearly_square():
    assert picture_shape(64) == (8, 8)
    assert picture_shape(35) == (6, 6)
    assert picture_shape(1000) == (63, 16)
