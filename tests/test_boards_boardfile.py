"""Board files: known names, folders, platform classes, and one clear line for each mistake."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from drai_hw.boards import boardfile
from drai_hw.boards.boardfile import known_boards, load_board, read_board_file
from drai_hw.boards.devices import DEVICES
from drai_hw.errors import SpecError, ToolError

GOOD = (known_boards()["icebreaker"] / "board.toml").read_text()


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "board.toml").write_text(text)
    return folder


@pytest.mark.parametrize("name", known_boards())
def test_each_known_board_loads_and_its_platform_has_its_device_and_clock(name: str) -> None:
    board = load_board(name)
    platform = board.platform_class()()
    assert board.name == name
    assert platform.device == board.device.name
    assert platform.default_clk == board.clock.resource
    assert platform.default_clk_frequency == board.clock.oscillator_hz
    platform.lookup(board.uart.resource, board.uart.number)
    platform.lookup(board.led.resource, board.led.number)


@pytest.mark.parametrize("name", known_boards())
def test_each_board_readme_names_every_pin_of_the_host_link(name: str) -> None:
    board = load_board(name)
    uart = board.platform_class()().lookup("uart", 0)
    text = (board.folder / "README.md").read_text()
    pins = {part.name: part.ios[0].names[0] for part in uart.ios if hasattr(part, "ios")}
    for signal in ("rx", "tx"):
        assert f"| {signal} | {pins[signal]} |" in text


def test_both_boards_of_the_first_release_are_known() -> None:
    assert {"ulx3s-85f", "icebreaker"} <= set(known_boards())
    assert load_board("ulx3s-85f").device is DEVICES["LFE5U-85F"]
    assert load_board("icebreaker").device is DEVICES["iCE40UP5K"]


def test_a_folder_and_a_file_are_taken_as_boards(tmp_path: Path) -> None:
    folder = _write(tmp_path / "mine", GOOD.replace('name = "icebreaker"', 'name = "mine"'))
    assert load_board(folder).name == "mine"
    assert load_board(str(folder / "board.toml")).name == "mine"


def test_a_platform_class_is_taken_as_a_board() -> None:
    board = load_board("amaranth_boards.icebreaker:ICEBreakerPlatform")
    assert board.device.name == "iCE40UP5K"
    assert board.clock.oscillator_hz == 12e6
    assert board.options.product == "logic"
    assert board.options.synth == "-dsp"
    assert board.folder is None


def test_the_wheels_copy_of_the_boards_is_looked_up_before_the_checkout(monkeypatch, tmp_path):
    package = tmp_path / "drai_hw" / "boards"
    _write_data = package / "data" / "ulx3s-85f"
    _write_data.mkdir(parents=True)
    monkeypatch.setattr(boardfile, "files", lambda name: package)
    assert boardfile.board_folders()[0] == package / "data"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("icebraker", "'icebraker' is not known; did you mean 'icebreaker'[?] .*ulx3s-85f"),
        ("nothing-like-it", "one of icebreaker, .* a folder with a board.toml, or module:Plat"),
        ("amaranth_boards.ulx3s:NoSuchPlatform", "has no class 'NoSuchPlatform'"),
        ("amaranth_boards.resources:UARTResource", "is not an Amaranth platform"),
        ("amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_85FPlatform", "no `uart` resource"),
        ("amaranth_boards.arty_a7:ArtyA7_35Platform", "device 'xc7a35ti' is unknown"),
    ],
)
def test_an_unknown_board_is_refused_with_what_would_do(given: str, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        load_board(given)


def test_a_folder_without_a_board_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"the folder holds no board\.toml"):
        load_board(tmp_path)


def test_a_missing_platform_package_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "amaranth_boards.icebreaker", None)
    with pytest.raises(
        ToolError, match=r"no bitstream can be built.*pip install 'drai_hw\[fpga\]'"
    ):
        load_board("icebreaker").platform_class()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("schema = 1", "schema = 2", "schema = 2; this version reads schema = 1"),
        ("title =", "titel =", "unknown key 'titel'; did you mean 'title'"),
        ("oscillator_hz =", "oscilator_hz =", "unknown key 'clock.oscilator_hz'; did you mean"),
        ('device = "iCE40UP5K"\n', "", "key 'device' is missing"),
        ("12e6", "-12e6", r"clock.oscillator_hz = -12000000.0: .*greater than 0"),
        ("115200", "5", "uart.baud = 5: .*greater than or equal to 1200"),
        ('"logic"', '"magic"', "options.product = 'magic'"),
        ('resource = "uart"', 'rx_pin = "6"', "give either `resource`, or both"),
        ("iCE40UP5K", "iCE40UP9K", "device 'iCE40UP9K' is unknown to the flow"),
        ("schema = 1", "schema = = 1", "not TOML"),
    ],
)
def test_a_mistake_in_a_board_file_names_the_key(old, new, text, tmp_path: Path) -> None:
    assert old in GOOD
    folder = _write(tmp_path / "b", GOOD.replace(old, new, 1))
    with pytest.raises(SpecError, match=text):
        load_board(folder)


def test_an_unreadable_board_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        read_board_file(tmp_path / "absent.toml")


def test_a_platform_of_another_device_is_refused(tmp_path: Path) -> None:
    folder = _write(tmp_path / "b", GOOD.replace('"iCE40UP5K"', '"iCE40HX8K"'))
    with pytest.raises(
        SpecError, match="is for device 'iCE40UP5K', the board file says 'iCE40HX8K"
    ):
        load_board(folder).platform_class()


def test_the_oscillator_is_the_clock_unless_another_frequency_is_asked_for() -> None:
    board = load_board("ulx3s-85f")
    plain = board.plan_clock()
    assert (plain.output_hz, plain.pll) == (25e6, None)
    fast = board.plan_clock(60e6)
    assert fast.output_hz == 60e6
    assert fast.pll is not None


def test_pll_hz_in_the_board_file_becomes_the_system_clock(tmp_path: Path) -> None:
    folder = _write(tmp_path / "b", GOOD.replace("# pll_hz", "pll_hz"))
    plan = load_board(folder).plan_clock()
    assert plan.output_hz == 24e6
    assert plan.pll is not None


def test_the_wheel_takes_the_board_folders_along_to_where_they_are_looked_for() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert taken == {"boards": "drai_hw/boards/data"}
    assert known_boards()["icebreaker"].parent == Path(__file__).parents[1] / "boards"
