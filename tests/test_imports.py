"""Imports only go up the tower, with no circle, and each target keeps its library to itself."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "drai_hw"

# Lowest floor first; a room is a module or package right under drai_hw. A room may import its own
# floor and those below it. `__init__` is the ground: importing anything imports it.
TOWER = (
    {"__init__", "errors", "files", "interrupts", "processes", "units"},
    {"spec", "catalog"},
    {"model"},
    {"rtl", "spice", "api"},
    {"sim", "boards", "formal"},
    {"flow", "report", "tools", "doctor", "bench"},
    {"cli", "__main__"},
)

# Third-party packages that only the named rooms may import.
KEPT_TO = {
    "amaranth": {"rtl", "sim", "boards"},
    "amaranth_boards": {"boards"},
    "bitwuzla": {"formal"},
    "cocotb": {"sim"},
    "cocotb_tools": {"sim"},
    "pyosys": {"boards"},
    "serial": {"boards"},
    "PySpice": {"spice"},
    "pydantic": {"spec", "catalog", "boards"},
    "matplotlib": {"report", "api", "spec"},  # in spec: the outlines of letters
    "jinja2": {"report"},
    "click": {"cli"},
    "luma": {"spec", "catalog"},
    "sklearn": {"spec", "catalog"},
    "rich": {"api", "flow", "doctor", "cli"},
}

# Folders of the repository that hold work, not code: nothing may import them.
FOLDERS_OF_WORK = {"rtl", "spice", "sim", "boards", "tests"}


@dataclass(frozen=True)
class Import:
    """One imported name: who imports what, where, and whether as soon as it is imported itself."""

    importer: str
    target: str
    line: int
    at_once: bool


def modules_of(root: Path) -> dict[str, Path]:
    """Return the dotted name of every module of the package that lies in ``root``."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST, at_once: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        below = at_once and not later and not is_for_types_only(child)
        yield child, at_once
        yield from walk(child, below)


def imports_of(module: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    """Yield what a module imports; ``from package import submodule`` counts as the submodule."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node, at_once in walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, at_once)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                above = ".".join(parents[: len(parents) - node.level + 1])
                base = f"{above}.{base}" if base else above
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(module, inner if inner in known else base, node.lineno, at_once)


def all_imports(root: Path) -> list[Import]:
    known = modules_of(root)
    return [found for name, path in known.items() for found in imports_of(name, path, known)]


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def floor_of(room: str) -> int | None:
    return next((floor for floor, rooms in enumerate(TOWER) if room in rooms), None)


def is_ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


def faults_of_tower(imports: list[Import]) -> list[str]:
    """Return one line for each import that goes down the tower or leads to an unknown room."""
    faults = []
    for found in imports:
        if not is_ours(found.target):
            continue
        if (
            found.importer == PACKAGE
            and found.target.startswith(f"{PACKAGE}.api")
            and not found.at_once
        ):
            continue  # the package offers the Python interface lazily; the ground itself stays bare
        here, there = floor_of(room_of(found.importer)), floor_of(room_of(found.target))
        where = f"{found.importer}:{found.line} imports {found.target}"
        if here is None or there is None:
            faults.append(f"{where}: give the room a floor in TOWER")
        elif there > here:
            faults.append(f"{where}: floor {there} lies above floor {here}")
    return faults


def circles(pairs: set[tuple[str, str]]) -> list[str]:
    """Return the first circle among ``(importer, imported)`` pairs, as one line, or nothing."""
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for importer, imported in pairs:
        if importer != imported:
            sorter.add(importer, imported)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def circles_of_rooms(imports: list[Import]) -> list[str]:
    """Circles among rooms, imports inside functions and for types included."""
    return circles({(room_of(i.importer), room_of(i.target)) for i in imports if is_ours(i.target)})


def circles_of_modules(imports: list[Import]) -> list[str]:
    """Circles among modules, counting only what is imported at once."""
    return circles({(i.importer, i.target) for i in imports if is_ours(i.target) and i.at_once})


def strangers(imports: list[Import]) -> list[str]:
    """Return one line for each library that is imported outside the rooms it is kept to."""
    return [
        f"{found.importer}:{found.line} imports {library}, kept to {sorted(KEPT_TO[library])}"
        for found in imports
        if (library := found.target.split(".")[0]) in KEPT_TO
        and room_of(found.importer) not in KEPT_TO[library]
    ]


@pytest.fixture(scope="module")
def imports(repository: Path) -> list[Import]:
    found = all_imports(repository / PACKAGE)
    assert len(found) > 20, "the reader of imports sees nothing"
    return found


def test_imports_only_go_up_the_tower(imports: list[Import]) -> None:
    assert faults_of_tower(imports) == []


def test_rooms_import_each_other_in_no_circle(imports: list[Import]) -> None:
    assert circles_of_rooms(imports) == []


def test_modules_import_each_other_in_no_circle(imports: list[Import]) -> None:
    assert circles_of_modules(imports) == []


def test_each_library_is_imported_only_where_it_belongs(imports: list[Import]) -> None:
    assert strangers(imports) == []


def test_pyspice_is_imported_in_one_module_only(imports: list[Import]) -> None:
    importers = {i.importer for i in imports if i.target.split(".")[0] == "PySpice"}
    assert importers == {f"{PACKAGE}.spice.pyspice"}


def test_the_ground_floor_needs_nothing_but_numpy_and_the_standard_library(
    imports: list[Import],
) -> None:
    foreign = [
        f"{i.importer} imports {i.target}"
        for i in imports
        if room_of(i.importer) in TOWER[0]
        and not is_ours(i.target)
        and i.target.split(".")[0] not in sys.stdlib_module_names | {"numpy"}
    ]
    assert foreign == []


def test_nothing_imports_the_folders_that_hold_generated_work(imports: list[Import]) -> None:
    assert [i for i in imports if i.target.split(".")[0] in FOLDERS_OF_WORK] == []


# The proof that the checks above can fail: small packages with one fault each.
def package(tmp_path: Path, **modules: str) -> list[Import]:
    root = tmp_path / PACKAGE
    for name, text in {"__init__": "", **modules}.items():
        path = root / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return all_imports(root)


@pytest.mark.parametrize(
    "statement",
    [
        "from drai_hw import rtl",
        "import drai_hw.rtl",
        "from drai_hw.rtl import core",
        "from .rtl import core",
        "from . import rtl",
        "def late():\n    from drai_hw import rtl",
        "if TYPE_CHECKING:\n    from drai_hw import rtl",
    ],
)
def test_an_import_down_the_tower_is_seen_however_it_is_written(
    tmp_path: Path, statement: str
) -> None:
    found = package(tmp_path, model=statement, rtl="core = 1")
    assert len(faults_of_tower(found)) == 1
    assert faults_of_tower(package(tmp_path, model="", rtl="from drai_hw import model")) == []


def test_a_room_without_a_floor_is_seen(tmp_path: Path) -> None:
    found = package(tmp_path, cli="from drai_hw import attic", attic="")
    assert [fault for fault in faults_of_tower(found) if "give the room a floor" in fault]


def test_a_circle_of_rooms_on_one_floor_is_seen_even_inside_functions(tmp_path: Path) -> None:
    late = "def late():\n    from drai_hw import boards"
    found = package(tmp_path, sim=late, boards="from drai_hw import sim")
    assert faults_of_tower(found) == []
    assert len(circles_of_rooms(found)) == 1
    assert circles_of_modules(found) == []


def test_a_circle_of_modules_in_one_room_is_seen(tmp_path: Path) -> None:
    found = package(
        tmp_path,
        model__in____init__="",
        model__in__a="from drai_hw.model.b import x",
        model__in__b="from . import a",
    )
    assert circles_of_rooms(found) == []
    assert len(circles_of_modules(found)) == 1


def test_a_library_in_the_wrong_room_is_seen(tmp_path: Path) -> None:
    found = package(tmp_path, model="import amaranth.hdl", rtl="from amaranth import hdl")
    assert len(strangers(found)) == 1
    assert strangers(found)[0].startswith("drai_hw.model:1")
