"""PLL dividers: legal for the device, exact where possible, agreed with the open tools."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drai_hw.boards.pll import ecp5_pll, gowin_pll, ice40_pll
from drai_hw.errors import SpecError


def _run(tool: str, *arguments: str, cwd: Path) -> str:
    program = str(Path(sysconfig.get_path("scripts")) / tool)
    return subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=120
    ).stdout


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 200), st.integers(10, 400))
def test_every_ecp5_setting_keeps_the_device_limits(input_mhz: int, output_mhz: int) -> None:
    pll = ecp5_pll(input_mhz * 1e6, output_mhz * 1e6)
    assert 1 <= pll.clki_div <= 128
    assert 1 <= pll.clkfb_div <= 128
    assert 1 <= pll.clkop_div <= 128
    assert 400e6 <= pll.vco_hz <= 800e6
    assert pll.input_hz / pll.clki_div >= 3.125e6
    assert pll.output_hz == pytest.approx(pll.input_hz * pll.clkfb_div / pll.clki_div)
    assert pll.vco_hz == pytest.approx(pll.output_hz * pll.clkop_div)


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 133), st.integers(17, 275))
def test_every_ice40_setting_keeps_the_device_limits(input_mhz: int, output_mhz: int) -> None:
    pll = ice40_pll(input_mhz * 1e6, output_mhz * 1e6)
    assert 0 <= pll.divr <= 15
    assert 0 <= pll.divf <= 127
    assert 1 <= pll.divq <= 6
    assert 533e6 <= pll.vco_hz <= 1066e6
    assert 10e6 <= pll.input_hz / (pll.divr + 1) <= 133e6
    expected_hz = pll.input_hz * (pll.divf + 1) / ((pll.divr + 1) * 2**pll.divq)
    assert pll.output_hz == pytest.approx(expected_hz)


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 200), st.integers(4, 400), st.sampled_from(["GW1NR-9C", "GW2A-18C"]))
def test_every_gowin_setting_keeps_the_device_limits(input_mhz, output_mhz, device) -> None:
    pll = gowin_pll(device, input_mhz * 1e6, output_mhz * 1e6)
    slow, fast = (400e6, 1200e6) if device == "GW1NR-9C" else (500e6, 1250e6)
    assert slow <= pll.vco_hz <= fast
    assert 1 <= pll.idiv <= 64
    assert 1 <= pll.fbdiv <= 64
    assert input_mhz / pll.idiv >= 3
    assert pll.output_hz == pytest.approx(pll.input_hz * pll.fbdiv / pll.idiv)
    assert pll.vco_hz == pytest.approx(pll.output_hz * pll.odiv)


@pytest.mark.parametrize("output_mhz", [40.5, 50, 54, 60, 81, 100])
@pytest.mark.parametrize(
    ("device", "theirs"), [("GW1NR-9C", "GW1NR-9 C6/I5"), ("GW2A-18C", "GW2A-18 C8/I7")]
)
def test_gowin_setting_is_as_near_as_that_of_gowin_pll(device, theirs, output_mhz, tmp_path):
    shown = _run("gowin_pll", "-i", "27", "-o", str(output_mhz), "-d", theirs, cwd=tmp_path)
    reached = re.search(r"Achieved output frequency:\s+([\d.]+) MHz", shown)
    assert reached is not None
    ours = gowin_pll(device, 27e6, output_mhz * 1e6)
    theirs_off_hz = abs(float(reached[1]) * 1e6 - output_mhz * 1e6)
    assert abs(ours.output_hz - output_mhz * 1e6) <= theirs_off_hz + 1000


@pytest.mark.parametrize("output_mhz", [50, 60, 80, 100])
def test_ecp5_setting_is_as_near_as_that_of_ecppll(output_mhz: int, tmp_path: Path) -> None:
    shown = _run("yowasp-ecppll", "-i", "25", "-o", str(output_mhz), "-f", "p.v", cwd=tmp_path)
    reached = re.search(r"clkout0 frequency: ([\d.]+) MHz", shown)
    assert reached is not None
    theirs_hz = float(reached[1]) * 1e6
    ours = ecp5_pll(25e6, output_mhz * 1e6)
    assert abs(ours.output_hz - output_mhz * 1e6) <= abs(theirs_hz - output_mhz * 1e6) + 1


@pytest.mark.parametrize(
    ("input_mhz", "output_mhz"),
    [(12, 18), (12, 20), (12, 25), (12, 48), (20, 60), (30, 90), (50, 100), (80, 40), (133, 133)],
)
def test_ice40_setting_is_that_of_icepll(input_mhz, output_mhz, tmp_path: Path) -> None:
    shown = _run("yowasp-icepll", "-i", str(input_mhz), "-o", str(output_mhz), cwd=tmp_path)
    theirs = {name: int(value) for name, value in re.findall(r"(DIV[RFQ]):\s+(\d+)", shown)}
    filter_range = int(re.findall(r"FILTER_RANGE:\s+(\d+)", shown)[0])
    ours = ice40_pll(input_mhz * 1e6, output_mhz * 1e6)
    assert {"DIVR": ours.divr, "DIVF": ours.divf, "DIVQ": ours.divq} == theirs
    assert ours.filter_range == filter_range


@pytest.mark.parametrize(
    ("make", "input_hz", "output_hz", "text"),
    [
        (ecp5_pll, 25e6, 5e6, "clock of 5e[+]06 Hz .* gives 10 MHz to 400 MHz"),
        (ecp5_pll, 1e6, 50e6, "oscillator of 1e[+]06 Hz: the ECP5 PLL takes 8 MHz"),
        (ice40_pll, 12e6, 300e6, "gives 16 MHz to 275 MHz"),
        (ice40_pll, 8e6, 24e6, "takes 10 MHz to 133 MHz"),
        (partial(gowin_pll, "GW1NR-9C"), 27e6, 700e6, "PLL of GW1NR-9C gives 3.125 MHz to 600 MHz"),
        (partial(gowin_pll, "GW2A-18C"), 600e6, 50e6, "PLL of GW2A-18C takes 3 MHz to 500 MHz"),
        (partial(gowin_pll, "GW1N-1"), 27e6, 50e6, "limits of the PLL in GW1N-1 are not known"),
    ],
)
def test_a_frequency_out_of_range_is_refused_with_the_range(make, input_hz, output_hz, text):
    with pytest.raises(SpecError, match=text):
        make(input_hz, output_hz)
