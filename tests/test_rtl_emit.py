"""Emitted files: the same bytes every time, usable names, and text that simulators start right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.synapse import Synapse

FORMATS = Formats(n=6, lanes=4, pages=2)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return emit.texts(FORMATS, command="drai-hw rtl six")


def test_emission_does_not_depend_on_the_hash_seed(repository: Path, files: dict[str, str]) -> None:
    program = (
        "from drai_hw.rtl import emit; from drai_hw.model.numbers import Formats; import json;"
        "print(json.dumps(emit.texts(Formats(n=6, lanes=4, pages=2), command='drai-hw rtl six')))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(repository)}
    again = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(again.stdout) == files


def test_another_network_gives_other_text(files: dict[str, str]) -> None:
    other = emit.texts(Formats(n=6, lanes=4, pages=2, seed=2), command="drai-hw rtl six")
    assert all(other[name] != text for name, text in files.items())


def test_header_says_what_made_the_file_and_whose_it_is(files: dict[str, str]) -> None:
    head = files["drai_core.v"].splitlines()[:4]
    assert "6 coupled oscillators" in head[0]
    assert "drai-hw rtl six" in head[1]
    assert "belong to whoever generated them" in head[2]


def test_ports_of_the_top_module_are_the_documented_ones(files: dict[str, str]) -> None:
    ports = re.search(r"^module drai_core\(([^)]*)\);", files["drai_core.v"], re.MULTILINE)
    assert ports is not None
    names = {name.strip() for name in ports[1].split(",")}
    assert names == {
        "clk", "rst", "addr", "wdata", "we", "re", "rdata", "ack", "busy", "step_done",
    }  # fmt: skip


def test_memories_stand_where_the_metadata_says(files: dict[str, str]) -> None:
    facts = json.loads(files["drai_core.json"])
    text = files["drai_core.v"]
    for memory in facts["memories"].values():
        module, array = memory["path"].split(".")
        body = text[text.index(f"\nmodule \\drai_core.{module} ") :]
        body = body[: body.index("endmodule")]
        width = sum(field["bits"] for field in memory["fields"].values())
        assert f"reg [{width - 1}:0] {array} [{memory['depth'] - 1}:0];" in body


def test_blocks_settle_at_time_zero_in_systemverilog_too(files: dict[str, str]) -> None:
    text = files["drai_core.v"]
    assert "always @*" in text
    assert not re.search(r"reg \\\$auto\S+ +=", text)
    for name in set(re.findall(r"if \((\\\$auto\S+) \) begin end", text)):
        assert re.search(rf"initial {re.escape(name)} +<= 0;", text)


def test_no_memory_asks_for_a_bypass(files: dict[str, str]) -> None:
    masks = re.findall(r"COLLISION_X_MASK (\S+)", files["drai_core.il"])
    assert masks
    assert set(masks) == {"1'1"}
    assert files["drai_core.v"].count("no_rw_check") == len(masks)


def test_a_synapse_alone_has_the_ports_of_its_contract() -> None:
    text = emit.verilog(Synapse(FORMATS), name="synapse", command="drai-hw rtl")
    for name, width in {
        "en": 1, "phi_i": 6, "phi_j": 6, "om_i": 8, "om_j": 8, "gate_i": 1, "gate_j": 1,
        "act_i": 1, "act_j": 1, "u_g": 5, "r_eta": 1, "r_decay": 1, "u_decay": 4, "w_in": 5,
    }.items():  # fmt: skip
        bits = "" if width == 1 else rf"\[{width - 1}:0\] "
        assert re.search(rf"input {bits}{name};", text), name
    assert re.search(r"output \[4:0\] w_out;", text)
    assert re.search(r"output valid;", text)


def test_a_name_that_verilog_does_not_take_is_refused() -> None:
    with pytest.raises(SpecError, match="module name 'my core'"):
        emit.verilog(None, name="my core", command="x")


def test_files_are_written_whole(tmp_path: Path) -> None:
    paths = emit.write({"a.v": "one", "b.json": "{}"}, tmp_path / "new")
    assert paths["a.v"].read_text() == "one"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.v", "b.json"]
