"""Network files: what is wrong is said in one message with range, unit and remedy."""

from pathlib import Path

import pytest

from drai_hw import catalog
from drai_hw.errors import SpecError
from drai_hw.spec import parse, read, template
from drai_hw.spec.__main__ import main as page_command
from drai_hw.spec.template import json_schema, reference

BASE = 'schema = 1\n[network]\nname = "x"\noscillators = 4\n[task]\nkind = "lock"\n'


def test_defaults_fill_what_the_file_leaves_out():
    spec = parse(BASE)
    assert spec.network.oscillators == 4
    assert spec.formats.weight_bits == 5
    assert spec.board.name == "ulx3s-85f"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no `schema`; needs `schema = 1` as its first line"),
        ("schema = 2\n", r"schema = 2 is not known; this version reads schema = 1"),
        ("schema = \n", r"not valid TOML: .*line 1"),
        (BASE + "[dynamics]\ncoupling = 2.0\n",
         r"dynamics.coupling = 2.0: needs a number above 0 to 1.0 rad"),
        (BASE + '[dynamics]\ncoupling = "a"\n', r"coupling = 'a': needs a number above 0"),
        (BASE + "[dynamics]\ncuopling = 0.5\n",
         r"unknown key `dynamics.cuopling`; did you mean `coupling`\?"),
        (BASE + "[dynamik]\n", r"unknown key `dynamik`; did you mean `dynamics`\?"),
        (BASE + "[board]\nzzz = 1\n", r"unknown key `board.zzz`; known keys: name, lanes, pages"),
        (BASE + "[circuit]\nf0_hz = 0\n", r"circuit.f0_hz = 0: needs a number from 1.0 to .* Hz"),
        (BASE + "[circuit]\nring_topology = 'differential'\n",
         r"ring_topology = 'differential': needs one of 'pseudo-differential', 'single-ended'"),
        (BASE + "[circuit]\nring_stages = 4\n",
         r"circuit.ring_stages = 4: needs an odd number from 3 to 99; an even ring latches"),
        (BASE + "[circuit]\nring_stages = 1\n", r"ring_stages = 1: needs a whole number from 3"),
        (BASE + "[circuit]\nring_vdd_v = 0.9\n",
         r"circuit.ring_vdd_v = 0.9: needs a number above 0.9 to 100 V"),
        (BASE + "[circuit]\nring_load_f = 0\n",
         r"circuit.ring_load_f = 0: needs a number above 0 to 1 F"),
        (BASE + "[circuit]\nring_latch = 2.5\n", r"ring_latch = 2.5: needs a number above 0"),
        (BASE + "[circuit]\nring_width = 0\n", r"ring_width = 0: needs a number above 0"),
        (BASE + "[circuit]\nring_skew = -1\n", r"ring_skew = -1: needs a number above 0"),
        (BASE + "[formats]\nlevels = 1\n", r"levels = 1: needs a whole number from 3 to 255"),
        (BASE + "[formats]\nphase_bits = 2.5\n",
         r"phase_bits = 2.5: needs a whole number from 3 to 10 bit"),
        (BASE + '[learning]\ngates = ["margn"]\n',
         r"gates = \['margn'\]: needs one of 'amplitude', .*'surprise' or 'module:Class'"),
        (BASE + "[shil]\nstrength = nan\n", r"shil.strength = nan: needs a number from 0 to 1.5"),
        (BASE + "[dynamics]\nfrequencies = [0.1]\n",
         r"dynamics.frequencies has 1 values; needs 4, one an oscillator"),
        (BASE + "[formats]\nweight_bits = 4\n[network2]\n", r"unknown key `network2`"),
        (BASE.replace("= 4", "= 4\ninitial_weight = 16"),
         r"initial_weight = 16: formats.weight_bits = 5 holds -15 to 15 LSB"),
        (BASE.replace('"lock"', '"recall"'), r'task.patterns is empty; .*"letters:ACXTH"'),
        (BASE.replace('"lock"', '"lok"'), r"task.kind = 'lok': needs one of 'recall', 'lock'"),
        (BASE.replace("oscillators = 4", ""), r"`network.oscillators` is missing: needs a whole"),
        (BASE + "[dynamics]\ndither = 14\n", r"dynamics.dither = 14: at most .* = 13 \(log2 LSB\)"),
    ],
)  # fmt: skip
def test_bad_files_get_one_clear_message(text, message):
    with pytest.raises(SpecError, match=message):
        parse(text)


def test_several_faults_come_as_one_list():
    with pytest.raises(SpecError, match=r"2 faults:\n  - .*coupling.*\n  - .*levels|2 faults"):
        parse(BASE + "[dynamics]\ncoupling = 2.0\n[formats]\nlevels = 1\n")


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(SpecError, match=r"cannot read network file '.*none.toml': No such file"):
        read(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8 text"):
        read(path)


@pytest.mark.parametrize("name", catalog.names())
def test_a_template_reads_back_as_the_same_network(name):
    spec, _ = catalog.find(name)
    text = template(spec)
    assert parse(text) == spec
    assert text.isascii()


def test_every_key_has_a_sentence_in_the_reference():
    page = reference()
    assert "| `coupling` | `0.8` | a number above 0 to 1.0 rad |" in page
    for table in json_schema()["$defs"].values():
        for key, entry in table["properties"].items():
            assert entry.get("description", "").endswith("."), key
            assert f"| `{key}` |" in page


def test_the_committed_reference_page_is_fresh(tmp_path):
    page = Path(__file__).parents[1] / "docs/reference/network-file.md"
    assert page_command(["--check", str(page)]) == 0
    changed = tmp_path / "page.md"
    changed.write_text(page.read_text().replace("0.8", "0.7"))
    assert page_command(["--check", str(changed)]) == 1
    page_command([str(changed)])
    assert changed.read_text() == page.read_text()


def test_the_catalog_names_its_designs_and_corrects_a_slip():
    assert catalog.names() == [
        "digits",
        "letters",
        "memory",
        "memory-1024",
        "memory-2048",
        "memory-512",
        "pair",
        "solve",
    ]
    with pytest.raises(SpecError, match=r"'leters' is not in the catalog .*did you mean 'letters'"):
        catalog.find("leters")


def test_a_folder_stands_for_the_network_file_in_it(tmp_path):
    (tmp_path / "network.toml").write_text(BASE)
    spec, folder = catalog.find(f"{tmp_path}/")
    assert spec.network.name == "x"
    assert folder == tmp_path
