import json
import re
import shutil
from pathlib import Path

import pytest

from drai_hw.errors import DraiError
from drai_hw.rtl.axi4lite import Axi4Lite
from drai_hw.rtl.frame import FRAME, Op
from drai_hw.rtl.wishbone import Wishbone
from drai_hw.sim import ports_doc
from drai_hw.sim.wavejson import Row, Trace, lines

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / ports_doc.PAGE


@pytest.fixture(scope="module")
def traces():
    return ports_doc.diagrams()


def test_tables_and_diagrams_are_what_the_simulation_of_today_shows():
    assert ports_doc.main(["--check", str(PAGE)]) == 0


def test_a_changed_page_or_drawing_is_named(tmp_path, monkeypatch):
    made = {"ports.md": "page\n", "ports/run.svg": "<svg/>\n"}
    monkeypatch.setattr(ports_doc, "files", lambda: made)
    page = tmp_path / "ports.md"
    assert ports_doc.main([str(page)]) == 0
    assert ports_doc.main(["--check", str(page)]) == 0
    (tmp_path / "ports" / "run.svg").write_text("<svg></svg>\n")
    with pytest.raises(DraiError, match=r"run\.svg: not what simulation shows; make again with"):
        ports_doc.main(["--check", str(page)])
    shutil.rmtree(tmp_path / "ports")
    page.write_text("pages\n")
    with pytest.raises(DraiError, match=r"ports\.md, .*run\.svg"):
        ports_doc.main(["--check", str(page)])


def test_every_diagram_on_the_page_is_text_that_says_what_was_traced(traces):
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [json.loads(block) for block in blocks] == [t.wavejson() for t in traces.values()]
    for block in blocks:
        waves = {len(signal["wave"]) for signal in json.loads(block)["signal"]}
        assert len(waves) == 1, "rows of unequal length"


def clocks_between(trace, start, end, signal_value=1):
    first = next(k for k, column in enumerate(trace.columns) if column[start])
    return next(
        k - first for k in range(first, len(trace.columns))
        if trace.columns[k][end] == signal_value
    )  # fmt: skip


def test_latencies_in_the_docstrings_are_those_of_the_diagrams(traces):
    assert clocks_between(traces["wishbone"], "wb_stb_i", "wb_ack_o") + 1 == 8
    assert "`ack` stands in the 8th clock of `stb`" in Wishbone.__doc__
    last = traces["wishbone"].columns[-5:]
    assert [column["wb_err_o"] for column in last] == [0, 0, 0, 1, 0]
    assert [column["wb_stb_i"] for column in last] == [1, 1, 1, 1, 0]
    assert "`err`\n    in the 4th" in Wishbone.__doc__
    assert clocks_between(traces["axi4lite"], "awvalid", "bvalid") == 8
    assert "the response stands 8 clocks behind" in Axi4Lite.__doc__
    assert clocks_between(traces["register-bus"], "we", "ack") + 1 == 4


def test_the_run_is_busy_until_its_last_step_is_done(traces):
    columns = traces["run"].columns
    steps = [k for k, column in enumerate(columns) if column["step_done"]]
    busy = [k for k, column in enumerate(columns) if column["busy"]]
    assert len(steps) == 2
    assert busy == list(range(busy[0], busy[-1] + 1))
    assert busy[-1] == steps[-1]


def test_serial_lines_carry_the_request_and_its_answer(traces):
    def bytes_of(name, row, idle):
        return bytes(c[row] for c in traces[name].columns if c[row] != idle)

    answer = FRAME.encode_response(1, 0, (0x44524149,))
    request = FRAME.encode_request(Op.READ, 1, 0, count=1)
    assert bytes_of("uart-frame", "rx", 256) == request
    assert bytes_of("uart-frame", "tx", 256) == answer
    spi = [column for column in traces["spi-frame"].columns if not column["cs_n"]]
    assert bytes(column["mosi"] for column in spi).rstrip(b"\0") == request
    assert bytes(column["miso"] for column in spi).strip(b"\0") == answer
    levels = [column["rx"] for column in traces["uart-byte"].columns]
    assert levels[1:11] == [0, *(request[0] >> k & 1 for k in range(8)), 1]


def test_rows_become_waves_boxes_and_hatching():
    trace = Trace(
        "t", (Row("a"), Row("d", 8, lambda s: bool(s["a"])), Row("e", 2, None, "ABCD".__getitem__))
    )
    for a, d, e in ((0, 1, 0), (1, 2, 0), (1, 2, 3), (1, 0x3F, 3), (0, 4, 3)):
        trace.add({"a": a, "d": d, "e": e})
    assert trace.wavejson()["signal"] == [
        {"name": "clk", "wave": "p...."},
        {"name": "a", "wave": "01..0"},
        {"name": "d", "wave": "x=.=x", "data": ["02", "3f"]},
        {"name": "e", "wave": "=.=..", "data": ["A", "D"]},
    ]
    assert json.loads(lines(trace.wavejson())) == trace.wavejson()


def test_a_long_calm_becomes_a_gap():
    trace = Trace("t", (Row("a"),), None)
    for a in [0] * 8 + [1] * 9 + [0]:
        trace.add({"a": a})
    assert trace.wavejson()["signal"] == [{"name": "a", "wave": "0.......1|.0"}]
