"""tools/setup.sh: what it installs, when it does nothing, and how it ends where it cannot help.

It runs here in a copy of the project's root on a PATH of stand-ins: python3 makes a hollow virtual
environment and writes down what it was asked for, apt-get likewise.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

REAL_PROGRAMS = (
    *("sh", "cat", "cp", "chmod", "cut", "dirname", "head", "mkdir", "mv", "rm", "sed"),
    *("sha256sum", "uname", "flock"),
)
SYSTEM_PROGRAMS = ("ngspice", "iverilog", "g++", "make")

PYTHON = r"""#!/bin/sh
# Stand-in for python3 and for the interpreter in the environment it makes.
case "$1 $2" in
  *"version_info < (3, 11)"*) exit 0 ;;
  "-c import ensurepip, venv") [ ! -e "$STATE/no-ensurepip" ] ;;
  *INSTSONAME*) [ ! -e "$STATE/no-library" ] ;;
  *Python.h*) [ ! -e "$STATE/no-headers" ] ;;
  *version_info*) echo python3.11 ;;
  *sys.version*) cat "$STATE/version" ;;
  "-m venv")
    echo "venv" >>"$STATE/log"
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    printf '#!%s/%s/bin/python\n' "$PWD" "$3" >"$3/bin/pip" ;;
  "-m pip")
    echo "$*" >>"$STATE/log"
    [ ! -e "$STATE/no-network" ] || exit 1
    case "$*" in *uv==*) cp "$STATE/uv" .venv/bin/uv ;; esac ;;
esac
"""

UV = """#!/bin/sh
echo "uv $*" >>"$STATE/log"
[ ! -e "$STATE/no-uv" ]
"""

APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$STATE/log"
"""


@dataclass
class Machine:
    """A copy of what set-up reads, on a PATH of its own."""

    root: Path
    bin: Path
    state: Path

    def program(self, name: str, text: str = "#!/bin/sh\n") -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "sh"), "tools/setup.sh"],
            cwd=self.root,
            env={"PATH": str(self.bin), "STATE": str(self.state), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def take_log(self) -> list[str]:
        path = self.state / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path, repository: Path) -> Machine:
    made = Machine(tmp_path / "project", tmp_path / "bin", tmp_path / "state")
    (made.root / "tools").mkdir(parents=True)
    made.bin.mkdir()
    made.state.mkdir()
    for name in ("pyproject.toml", "requirements.lock", "tools/setup.sh"):
        shutil.copy(repository / name, made.root / name)
    for name in REAL_PROGRAMS:
        found = shutil.which(name)
        assert found, name
        (made.bin / name).symlink_to(found)
    for name in SYSTEM_PROGRAMS:
        made.program(name)
    made.program("python3", PYTHON)
    made.program("apt-get", APT_GET)
    made.program("ldconfig", "#!/bin/sh\necho 'libngspice.so.0 (libc6) => somewhere'\n")
    made.program("id", "#!/bin/sh\necho 1000\n")
    (made.state / "uv").write_text(UV)
    (made.state / "uv").chmod(0o755)
    (made.state / "version").write_text("3.11.7\n")
    return made


def test_first_call_installs_the_locked_packages_and_the_second_does_nothing(
    machine: Machine, repository: Path
) -> None:
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    log = machine.take_log()
    pin = next(
        line
        for line in (repository / "requirements.lock").read_text().splitlines()
        if line.startswith("uv==")
    )
    assert log[0] == "venv"
    assert log[1].endswith(pin)
    assert log[2].startswith("uv pip install")
    assert log[2].endswith("-r requirements.lock")
    assert log[3].endswith("--no-deps --no-build-isolation --editable .")
    assert len(log) == 4

    assert machine.set_up().returncode == 0
    assert machine.take_log() == []


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock", "tools/setup.sh"])
def test_a_change_of_what_it_is_made_from_updates_the_environment_in_place(
    machine: Machine, name: str
) -> None:
    machine.set_up()
    machine.take_log()
    with (machine.root / name).open("a") as file:
        file.write("# changed\n")
    assert machine.set_up().returncode == 0
    log = machine.take_log()
    assert "venv" not in log
    assert any(line.startswith("uv pip install") for line in log)


def test_another_python_behind_the_environment_updates_it(machine: Machine) -> None:
    machine.set_up()
    machine.take_log()
    (machine.state / "version").write_text("3.11.8\n")
    assert machine.set_up().returncode == 0
    assert len(machine.take_log()) == 3


def test_a_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    machine.set_up()
    machine.take_log()
    machine.root = machine.root.rename(machine.root.with_name("moved"))
    assert machine.set_up().returncode == 0
    assert machine.take_log()[0] == "venv"


def test_an_interrupted_set_up_is_seen_and_done_again_from_the_start(machine: Machine) -> None:
    (machine.state / "no-network").touch()
    assert machine.set_up().returncode != 0
    (machine.state / "no-network").unlink()
    machine.take_log()
    done = machine.set_up()
    assert done.returncode == 0
    assert "interrupted; starting afresh" in done.stderr
    assert machine.take_log()[0] == "venv"
    assert machine.set_up().stderr == ""


def test_an_interrupted_update_is_seen_too(machine: Machine) -> None:
    machine.set_up()
    with (machine.root / "requirements.lock").open("a") as file:
        file.write("# changed\n")
    (machine.state / "no-network").touch()
    assert machine.set_up().returncode != 0
    (machine.state / "no-network").unlink()
    machine.take_log()
    assert machine.set_up().returncode == 0
    assert machine.take_log()[0] == "venv"


def test_pip_takes_over_where_uv_fails(machine: Machine) -> None:
    (machine.state / "no-uv").touch()
    assert machine.set_up().returncode == 0
    assert any("pip install" in x and "-r requirements.lock" in x for x in machine.take_log()[3:])


def test_without_root_missing_programs_end_in_one_line_to_copy(machine: Machine) -> None:
    (machine.bin / "iverilog").unlink()
    (machine.bin / "g++").unlink()
    machine.program("ldconfig")
    done = machine.set_up()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends"
        " libngspice0 iverilog g++"
    )
    assert machine.take_log() == []
    assert not (machine.root / ".venv").exists()


def test_root_updates_the_package_lists_and_then_installs_what_is_missing(
    machine: Machine,
) -> None:
    machine.program("id", "#!/bin/sh\necho 0\n")
    (machine.bin / "ngspice").unlink()
    assert machine.set_up().returncode == 0
    update, install = machine.take_log()[:2]
    assert update == "apt-get -q -o DPkg::Lock::Timeout=300 update"
    assert install == (
        "apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends ngspice"
    )


def test_without_apt_the_missing_programs_are_named(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    (machine.bin / "iverilog").unlink()
    done = machine.set_up()
    assert done.returncode == 2
    assert "missing on this machine: iverilog" in done.stderr


def test_a_python_without_ensurepip_asks_for_debians_package(machine: Machine) -> None:
    (machine.state / "no-ensurepip").touch()
    done = machine.set_up()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(" python3.11-venv")


def test_a_python_without_its_shared_library_asks_for_it_before_anything_is_made(
    machine: Machine,
) -> None:
    (machine.state / "no-library").touch()
    done = machine.set_up()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(" libpython3.11")
    assert not (machine.root / ".venv").exists()


@pytest.mark.parametrize(("processor", "status"), [("aarch64", 2), ("x86_64", 0)])
def test_where_wheels_must_be_compiled_pythons_headers_are_asked_for(
    machine: Machine, processor: str, status: int
) -> None:
    (machine.state / "no-headers").touch()
    (machine.bin / "uname").unlink()
    machine.program("uname", f"#!/bin/sh\n[ $1 = -m ] && echo {processor} || echo Linux\n")
    done = machine.set_up()
    assert done.returncode == status
    assert ("python3.11-dev" in done.stderr) == (status == 2)


def test_without_python_one_line_asks_for_everything_at_once(machine: Machine) -> None:
    (machine.bin / "python3").unlink()
    (machine.bin / "make").unlink()
    done = machine.set_up()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(" make python3 python3-venv libpython3-dev")


def test_a_system_whose_own_python_is_too_old_is_told_to_name_another(machine: Machine) -> None:
    machine.program("python3", "#!/bin/sh\nexit 1\n")
    done = machine.set_up()
    assert done.returncode == 2
    assert "no Python 3.11 or newer found; install one" in done.stderr
    assert machine.take_log() == []


def test_uv_makes_the_environment_where_ensurepip_is_missing(machine: Machine) -> None:
    (machine.state / "no-ensurepip").touch()
    uv = "#!/bin/sh\ncase $1 in venv) exec python3 -m venv .venv ;; esac\n"
    machine.program("uv", uv)
    assert machine.set_up().returncode == 0
    assert machine.take_log()[0] == "venv"


def test_a_python_that_is_too_old_is_refused_by_name(machine: Machine) -> None:
    machine.program("python3.10", "#!/bin/sh\nexit 1\n")
    done = machine.set_up(PYTHON="python3.10")
    assert done.returncode == 2
    assert "PYTHON='python3.10' is no Python 3.11 or newer" in done.stderr
