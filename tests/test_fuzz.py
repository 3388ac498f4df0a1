"""Files that a user names, damaged at random: each is taken, or refused with one message."""

from __future__ import annotations

import io
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drai_hw import catalog
from drai_hw.boards.boardfile import read_board_file
from drai_hw.cli import run
from drai_hw.errors import DraiError, SpecError
from drai_hw.files import MOST_BYTES, given_array, given_bytes, given_text
from drai_hw.formal.frontend import read_system
from drai_hw.model import checkpoint, plan, tasks
from drai_hw.model.reference import Reference
from drai_hw.sim.units.connection import port_names
from drai_hw.sim.units.portmap import load_port_map
from drai_hw.spec import Spec, load_patterns, parse
from drai_hw.spec.graph import check_weights, read_graph
from drai_hw.spec.mask import load_mask

ROOT = Path(__file__).resolve().parent.parent
DESIGNS = [catalog.text(name) for name in catalog.names()]
BOARDS = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("boards/*/board.toml"))]
FEW, MANY = 100, 5_000

VALUES = """
    0 -1 1 2 3 7 16 24 255 4096 0.5 -0.5 1e400 nan inf true [] {} [1] [[1]] "" "x" "a:b"
    "os:system" "random:0" "random:99999999999" "random:²" "letters:" "letters:\\u0000"
    "glyphs:A" "glyphs:Z-A" "digits:" "digits:1,1" 1979-05-27 9223372036854775808 [1,-1]
    [[1,-1],[1]] [["a"]] ["##","#"] {a=1} "ring:1" "ring:0" "grid:3" "random:2" "/" "." "x.npy"
    "x.txt" "edge-align" "margin" "window" "cosine" "gaussian" ["margin","margin"] ["surprise"]
    {margin={x=1}} "module:Class" [[0,1]] [[0,0]]
""".split()  # noqa: SIM905 (as quoted strings it would be twice as long)
KEYS = [
    (section, name)
    for section, field in Spec.model_fields.items()
    if section != "schema_version"
    for name in field.annotation.model_fields  # type: ignore[union-attr]
]


def with_key(text: str, section: str, name: str, value: str) -> str:
    """Return a network file with one key set, whatever stood there before."""
    lines, here = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            here = line.strip("[] ")
        if here == section and line.partition("=")[0].strip() == name:
            continue
        lines.append(line)
        if line.strip() == f"[{section}]":
            lines.append(f"{name} = {value}")
    if f"[{section}]" not in text:
        lines += [f"[{section}]", f"{name} = {value}"]
    return "\n".join(lines) + "\n"


@st.composite
def damaged(draw: Callable[..., Any], texts: list[str]) -> str:
    """Return a text with characters or lines lost, doubled or replaced."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        length = draw(st.sampled_from([0, 1, 2, 20, 200]))
        new = draw(st.one_of(st.text(max_size=3), st.sampled_from(["\x00", "[", "]", '"', "\n9"])))
        text = text[:at] + new + text[at + length :]
    return text


@st.composite
def networks(draw: Callable[..., Any]) -> str:
    """Return a network file with some keys at odd values, and perhaps damaged besides."""
    text = draw(st.sampled_from(DESIGNS))
    for section, name in draw(st.lists(st.sampled_from(KEYS), max_size=4)):
        text = with_key(text, section, name, draw(st.sampled_from(VALUES)))
    return draw(damaged([text])) if draw(st.booleans()) else text


def check(work: Callable[[], object]) -> bool:
    """Do it, and say whether it was taken; what is refused has one printable message."""
    message = ""
    try:
        work()
    except DraiError as error:
        message = str(error)
    assert "\x00" not in message
    return not message


@pytest.fixture
def verdicts(tally: Counter[str]) -> Iterator[list[bool]]:
    """Whether each case was taken; what was not was refused."""
    cases: list[bool] = []
    yield cases
    tally.update("taken" if case else "refused" for case in cases)


def examples(full: bool) -> Any:
    return settings(
        max_examples=MANY if full else FEW,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


both = pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.full)])


@both
def test_network_files(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    np.save(tmp_path / "x.npy", np.ones((2, 8)))
    (tmp_path / "x.txt").write_text("#.\n.#\n")

    def prepare(text: str) -> None:
        spec = parse(text)
        formats = plan.formats_of(spec)
        n = spec.network.oscillators
        if n > 300:
            return
        load_mask(spec.network.mask, n, seed=spec.task.seed, folder=tmp_path)
        Reference(spec, folder=tmp_path)
        if spec.task.kind == "recall":
            tasks.patterns_of(spec, tmp_path)
        plan.learn_settings(spec, formats)
        plan.tuning_words(spec)
        plan.run_settings(spec, formats, np.zeros((n, n), dtype=int))

    @examples(full)
    @given(networks())
    def fuzz(text: str) -> None:
        verdicts.append(check(lambda: prepare(text)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98  # it meets good files and bad ones


@both
def test_arrays(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    path = tmp_path / "x.npy"
    whole = []
    for array in (np.ones((2, 9)), np.zeros((9, 9), dtype=np.int8), np.array(1), np.zeros((0, 9)),
                  np.ones((2, 9), dtype=complex), np.array([["1"] * 9]), np.full((1, 9), np.nan),
                  np.zeros(2, dtype=[("a", int)]), np.array([[1, "a"]], dtype=object)):  # fmt: skip
        held = io.BytesIO()
        np.save(held, array, allow_pickle=True)
        whole.append(held.getvalue())

    @examples(full)
    @given(st.sampled_from(whole), st.data())
    def fuzz(content: bytes, data: st.DataObject) -> None:
        changed = bytearray(content)
        for _ in range(data.draw(st.sampled_from([0, 0, 1, 2, 3]))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from([None, None, None, 4, 10, 100, len(changed) - 1]))
        path.write_bytes(changed[:cut])
        verdicts.append(check(lambda: load_patterns("x.npy", 9, folder=tmp_path)))
        verdicts.append(check(lambda: load_mask("x.npy", 9, folder=tmp_path)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98


@both
def test_graphs(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    path = tmp_path / "g.txt"
    graph = [
        "4 3\n1 2\n3 4 -2\n1 4 15\n",
        "2 0\n",
        "20000 1\n1 20000\n",
        "4 1\n1 2 999999999999999\n",
    ]

    @examples(full)
    @given(damaged(graph))
    def fuzz(text: str) -> None:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        verdicts.append(check(lambda: check_weights(read_graph(path), 5)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98


@both
def test_board_files(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    path = tmp_path / "board.toml"

    @examples(full)
    @given(damaged(BOARDS))
    def fuzz(text: str) -> None:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        verdicts.append(check(lambda: read_board_file(path)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98


@both
def test_checkpoints(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    spec = catalog.find("pair")[0]
    path = tmp_path / "c.npz"
    checkpoint.write(path, Reference(spec).snapshot() | {"rounds": 1, "network": "x"})
    content = path.read_bytes()

    @examples(full)
    @given(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=3))
    def fuzz(changes: list[tuple[int, int]]) -> None:
        changed = bytearray(content)
        for at, byte in changes:
            changed[at] = byte
        path.write_bytes(changed)
        verdicts.append(check(lambda: checkpoint.read(path)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98


def quick_by_right(text: str) -> bool:
    """Return whether a network file, if it is one, asks for a small network and a short run."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return True

    def number(table: str, key: str) -> float:
        entries = data.get(table)
        value = entries.get(key, 0) if isinstance(entries, dict) else 0
        return value if isinstance(value, int | float) else 0

    return (
        number("network", "oscillators") <= 64
        and number("task", "steps") <= 64
        and number("task", "trials") <= 100
        and number("learning", "presentations") <= 400
    )


@pytest.mark.full
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(text=networks(), verb=st.sampled_from(["model", "rtl", "spice"]))
def test_verbs_end_with_a_status_and_leave_nothing_half_written(
    text: str,
    verb: str,
    tmp_path_factory: pytest.TempPathFactory,
    capfd: Any,
    tally: Counter[str],
) -> None:
    """Of small networks and short runs only: what is slow by right is no hang."""
    if not quick_by_right(text):
        return
    folder = tmp_path_factory.mktemp("run")
    file = folder / "network.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    status = run([verb, str(file), "-o", str(folder / "out")])
    said = capfd.readouterr().err
    tally[f"status {status}"] += 1
    assert status in (0, 1, 2)
    assert "fault of drai-hw itself" not in said, said
    assert "Traceback" not in said
    assert (status == 2) == ("drai-hw: error:" in said)
    left = [path.name for path in folder.rglob("*") if path.name.startswith(".")]
    assert left == []


PORT_MAPS = [
    '[unit]\nreset = "active-low"\nlatency = 2\n[ports]\nclk = "clock"\nphi_i = "a"\n',
    '[unit]\nhandshake = "valid-ready"\n[parameters]\nTHETA_R = 3\n[constants]\nx = 1\n',
]


@both
def test_port_maps(full: bool, tmp_path: Path, verdicts: list[bool]) -> None:
    path = tmp_path / "ports.toml"
    formats = plan.formats_of(catalog.find("pair")[0])

    @examples(full)
    @given(damaged(PORT_MAPS))
    def fuzz(text: str) -> None:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        verdicts.append(check(lambda: load_port_map(path, "synapse", formats)))

    fuzz()
    assert 0 < np.mean(verdicts) < 0.98


def test_a_design_that_never_ends_is_refused_before_it_fills_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_bytes, "__kwdefaults__", {"most": 1000})
    path = tmp_path / "endless.v"
    path.symlink_to("/dev/zero")
    text = (
        "cannot read file of --dut '.*endless.v': larger than 1,000 bytes; needs Verilog or RTLIL"
    )
    with pytest.raises(SpecError, match=text):
        read_system([path], "top")
    with pytest.raises(SpecError, match=r"cannot read design '.*endless\.v': larger than 1,000"):
        port_names([path], "top")


# -- the readers that all of them use -----------------------------------------------------------


def test_a_file_that_never_ends_is_refused_before_it_fills_memory() -> None:
    with pytest.raises(SpecError, match=r"'/dev/zero': larger than 1,000 bytes; needs a list"):
        given_bytes(Path("/dev/zero"), "list", "a list", most=1000)
    assert MOST_BYTES < 2**30


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", r"no array \(EOF: reading magic string"),
        (b"PK\x03\x04", "no array"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}", "no array"),
    ],
)
def test_what_is_no_array_is_named(content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=rf"cannot read mask '.*x.npy': {text}.*; needs zeros"):
        given_array(path, "mask", "zeros")


def test_a_name_with_a_zero_byte_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=re.escape("cannot read list 'a\\x00b': embedded null")):
        given_text(Path("a\x00b"), "list", "a list")
    with pytest.raises(SpecError, match="Is a directory; needs a list"):
        given_text(tmp_path, "list", "a list")
