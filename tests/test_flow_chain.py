import ast
import importlib.util
from pathlib import Path

import pytest

from drai_hw import catalog
from drai_hw.cli.common import with_overrides
from drai_hw.errors import FitError
from drai_hw.flow import chain as chains
from drai_hw.flow.build import preflight
from drai_hw.flow.chain import ORDER, chain, default_sim_trials, report
from drai_hw.flow.digest import digest_of, source_digest, stage_digest, tool_version
from drai_hw.flow.geometry import geometry_of
from drai_hw.flow.network import spec_of, told


def letters(**sections):
    spec, _ = catalog.find("letters")
    return with_overrides(spec, sections)


def changed(**sections):
    """Return the names of the stages whose inputs another network changes."""
    before = {stage.name: digest_of(stage.inputs) for stage in chain(letters())}
    after = {stage.name: digest_of(stage.inputs) for stage in chain(letters(**sections))}
    return {name for name in before if before[name] != after[name]}


def test_the_chain_has_all_stages_and_its_report_reads_them_all():
    stages = chain(letters())
    whole = report(letters(), stages, ())
    assert {stage.name for stage in stages} | {"report"} == set(ORDER)
    assert whole.wants == tuple(name for name in ORDER if name != "report")


@pytest.mark.parametrize(
    ("sections", "stages"),
    [
        ({"circuit": {"cycles": 100}}, {"spice"}),
        ({"board": {"baud": 9600}}, {"board"}),
        ({"board": {"clock_hz": 50e6}}, {"board"}),
        ({"learning": {"eta": 0.5}}, {"model", "twin", "sim"}),
        ({"shil": {"strength": 0.2}}, {"model", "twin", "sim"}),
        ({"task": {"trials": 21}}, {"model", "twin", "sim", "spice"}),
        ({"formats": {"weight_bits": 4}}, {"model", "twin", "rtl", "sim", "board", "spice"}),
        ({"board": {"lanes": 8}}, {"twin", "rtl", "sim", "board"}),
        ({}, set()),
    ],
)
def test_a_key_reaches_the_stages_that_read_it_and_no_others(sections, stages):
    assert changed(**sections) == stages


def test_a_stage_rebuilds_the_network_it_was_told():
    spec = letters(learning={"eta": 0.5}, circuit={"rho": 0.2})
    seen = spec_of(told(spec, "learning"))
    assert seen.learning == spec.learning
    assert seen.circuit.rho == 0.3  # not told: the default


def test_lanes_and_pages_of_the_file_are_law():
    assert geometry_of(letters(board={"lanes": 8, "pages": 5})) == (8, 5)
    assert geometry_of(letters(board={"lanes": 8}))[0] == 8


def test_a_network_too_large_for_its_board_still_has_a_geometry():
    spec, _ = catalog.find("memory")
    large = with_overrides(
        spec, {"network": {"oscillators": 1000}, "board": {"name": "icebreaker"}}
    )
    lanes, pages = geometry_of(large)
    assert lanes * pages >= 1000
    with pytest.raises(FitError, match="do not fit icebreaker"):
        preflight(large)


@pytest.mark.parametrize(
    ("patterns", "trials", "count"),
    [
        ("letters:ACXTH", 20, 5),
        ("letters:ACXTHEFG", 20, 8),
        ("letters:AC", 20, 5),
        ("letters:AC", 3, 3),
    ],
)
def test_the_simulation_shows_each_pattern_at_least_once(patterns, trials, count):
    assert default_sim_trials(letters(task={"patterns": patterns, "trials": trials})) == count


def functions():
    stages = chain(letters())
    return (*stages, chains.random_stage(letters(), 1), report(letters(), stages, ()))


def imported(module):
    """Return the modules that a module names in its imports, at any depth of the file."""
    found = importlib.util.find_spec(module)
    tree = ast.parse(Path(found.origin).read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("drai_hw.") and exists(name)}


def exists(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, AttributeError):
        return False


@pytest.mark.parametrize("stage", functions(), ids=lambda stage: stage.name)
def test_the_declared_sources_of_a_stage_cover_what_its_function_imports(stage):
    # The engine's own parts shape no result: how a stage is run and its files are written, not what
    # it computes.
    engine = {"drai_hw.errors", "drai_hw.files"}
    engine |= {"drai_hw.flow.stages", "drai_hw.flow.digest", "drai_hw.flow.store"}
    module = stage.function.partition(":")[0]
    covered, queue, missing = set(), [module], set()
    while queue:
        name = queue.pop()
        if name in covered or name in engine:
            continue
        covered.add(name)
        if not any(name == given or name.startswith(f"{given}.") for given in stage.sources):
            missing.add(name)
        if name.startswith("drai_hw.flow."):
            queue += imported(name)
    assert missing == set()


def test_equal_values_have_equal_digests_whatever_their_order():
    assert digest_of({"a": 1, "b": [1.5, None]}) == digest_of({"b": [1.5, None], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    with pytest.raises(ValueError, match="Out of range float"):
        digest_of({"a": float("nan")})


def test_each_part_of_a_stage_counts_in_its_digest():
    base = ({"a": 1}, ("drai_hw.errors",), {"numpy": "2"}, [{"digest": "x"}])
    variants = [
        ({"a": 2}, *base[1:]),
        (base[0], ("drai_hw.errors", "drai_hw.units"), *base[2:]),
        (*base[:2], {"numpy": "3"}, base[3]),
        (*base[:3], [{"digest": "y"}]),
    ]
    digests = {stage_digest(*base), *(stage_digest(*variant) for variant in variants)}
    assert len(digests) == 5


def test_sources_are_found_without_being_imported_and_must_exist():
    assert len(source_digest(("drai_hw.report",))) == 32
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        source_digest(("drai_hw.no_such_part",))


def test_templates_count_as_source(tmp_path, monkeypatch):
    package = tmp_path / "toy_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "page.html").write_text("one")
    monkeypatch.syspath_prepend(tmp_path)
    before = source_digest.__wrapped__(("toy_package",))
    (package / "page.html").write_text("two")
    assert source_digest.__wrapped__(("toy_package",)) != before


def test_a_tool_that_is_not_there_is_named_missing(monkeypatch):
    assert tool_version("no-such-distribution") == "missing"
    monkeypatch.setenv("PATH", "")
    assert tool_version.__wrapped__("ngspice") == "missing"


def test_programs_tell_their_versions():
    assert tool_version("ngspice")[0].isdigit()
    assert tool_version("iverilog")[0].isdigit()
