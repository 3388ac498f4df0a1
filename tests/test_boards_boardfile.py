"""Board files: known names, folders, platform classes, and one clear line for each mistake."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from drai_hw.boards import boardfile
from drai_hw.boards.boardfile import known_boards, load_board, read_board_file
from drai_hw.boards.devices import DEVICES, device_name
from drai_hw.boards.wrapper import make_platform
from drai_hw.errors import SpecError, ToolError

GOOD = (known_boards()["icebreaker"] / "board.toml").read_text()


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "board.toml").write_text(text)
    return folder


@pytest.mark.parametrize("name", known_boards())
def test_each_known_board_loads_and_its_platform_has_its_device_and_clock(name: str) -> None:
    board = load_board(name)
    platform = make_platform(board)
    assert board.name == name
    assert device_name(platform) == board.device.name
    assert platform.default_clk == board.clock.resource
    assert platform.default_clk_frequency == board.oscillator_hz
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


def test_the_boards_of_each_family_are_known() -> None:
    assert {"ulx3s-85f", "ulx3s-25f", "icebreaker", "tang-nano-9k"} <= set(known_boards())
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
        (
            "amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_85FPlatform",
            "it has no `uart` resource: give uart.resource=NAME, or uart.rx_pin=PIN and "
            r"uart.tx_pin=PIN for a serial adapter [(]a pin's name, .* such as io_0:0[)].* board",
        ),
        (
            "amaranth_boards.upduino_v3:UpduinoV3Platform",
            "default clock 'SB_HFOSC' is not a clock pin: give clock.resource=NAME "
            r"[(]it has clk12 at 12 MHz[)], or clock.pin=PIN and clock.oscillator_hz=HZ; it has no",
        ),
        ("no_such_file.py:Mine", "file 'no_such_file.py' does not exist"),
        ("amaranth_boards.arty_a7:ArtyA7_35Platform", "device 'xc7a35ti' is unknown"),
    ],
)
def test_an_unknown_board_is_refused_with_what_would_do(given: str, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        load_board(given)


ORANGECRAB = "amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_85FPlatform"


def test_settings_after_a_platform_class_tell_what_it_does_not() -> None:
    board = load_board(f"{ORANGECRAB},uart.rx_pin=io_0:0,uart.tx_pin=io_0:1,clock.pll_hz=60e6")
    assert (board.uart.rx_pin, board.uart.tx_pin) == ("io_0:0", "io_0:1")
    assert (board.oscillator_hz, board.system_hz) == (48e6, 60e6)
    assert board.name == "orangecrabr0-2-85fplatform"
    upduino = "amaranth_boards.upduino_v3:UpduinoV3Platform,uart.rx_pin=23,uart.tx_pin=25"
    assert load_board(f"{upduino},clock.resource=clk12").oscillator_hz == 12e6
    own = load_board(f"{upduino},clock.pin=20,clock.oscillator_hz=16e6")
    assert make_platform(own).default_clk_frequency == 16e6


def test_settings_replace_what_a_known_board_says() -> None:
    board = load_board("icebreaker,clock.pll_hz=24e6,uart.rx_pin=4,uart.tx_pin=2,options.synth=")
    assert board.plan_clock().output_hz == 24e6
    assert (board.uart.resource, board.uart.rx_pin) == (None, "4")
    assert board.options.synth == ""
    assert board.folder == known_boards()["icebreaker"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("icebreaker,clock.pll=24e6", "unknown key 'clock.pll'; did you mean 'pll_hz'"),
        ("icebreaker,clock.pll_hz=fast", "clock.pll_hz = 'fast': .*number"),
        ("icebreaker,name.x=1", "'name' is not a table"),
        (f"{ORANGECRAB},uart.rx_pin=io_0:0", "both `rx_pin` and `tx_pin`"),
    ],
)
def test_a_mistake_in_a_setting_names_the_key(given: str, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        load_board(given)


MINE = """
from amaranth.build import *
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import UARTResource

class Mine(LatticeICE40Platform):
    device = "iCE40HX8K"
    package = "CT256"
    default_clk = "clk10"
    resources = [
        Resource("clk10", 0, Pins("J3", dir="i"), Clock(10e6), Attrs(IO_STANDARD="SB_LVCMOS")),
        UARTResource(0, rx="B10", tx="B12", attrs=Attrs(IO_STANDARD="SB_LVCMOS")),
    ]
    connectors = []
"""


def test_a_platform_of_the_users_own_is_taken_from_its_file(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    bare = load_board("mine.py:Mine")
    assert (bare.device.name, bare.oscillator_hz, bare.led) == ("iCE40HX8K", 10e6, None)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.py").write_text(MINE.replace("10e6", "20e6"))
    folder = _write(
        tmp_path / "b",
        'schema = 1\nname = "mine"\ntitle = "Mine"\nplatform = "mine.py:Mine"\n'
        'device = "iCE40HX8K"\n[clock]\nresource = "clk10"\n[uart]\nresource = "uart"\n',
    )
    board = load_board(folder)
    assert board.oscillator_hz == 20e6
    assert board.options.model_dump() == {"synth": "", "pnr": "", "product": "logic"}
    before = board.description()
    (tmp_path / "b" / "mine.py").write_text(MINE.replace("10e6", "20e6").replace("B12", "B13"))
    assert board.description() != before


def test_a_clock_that_contradicts_the_platform_is_refused(tmp_path: Path) -> None:
    folder = _write(tmp_path / "b", GOOD.replace("oscillator_hz = 12e6", "oscillator_hz = 16e6"))
    with pytest.raises(SpecError, match=r"oscillator_hz = 1\.6e[+]07, but .* gives 1\.2e[+]07 Hz"):
        load_board(folder).platform_class()
    folder = _write(tmp_path / "b", GOOD.replace('"clk12"', '"clk100"'))
    with pytest.raises(SpecError, match=r"has no clock 'clk100' \(its clocks: clk12\)"):
        load_board(folder).platform_class()


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
    with pytest.raises(SpecError, match=r"cannot read board file .*needs a board.toml"):
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
