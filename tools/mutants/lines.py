"""``python -m tools.mutants.lines``: which lines of the model no quick test reaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from drai_hw.files import write_whole
from tools.mutants.plan import MODEL, ROOT

FILE = ROOT / "tools" / "mutants" / "lines.json"
FOLDER = ROOT / "build" / "coverage"
# They exist as machine code only: their parts are instructions, not Python.
MACHINE_CODE = (
    "vectors.py",
    "vector_integers.py",
    "vector_sines.py",
    "packed_kernels.py",
    "replica_kernels.py",
)
# Loops that numba compiles are not seen by a tracer, so their tests run once more without it; what
# is left out here takes minutes then.
PLAIN = ("compiled", "properties", "events", "fused")
PLAIN_LEFT_OUT = "130 or wide"


def _run(data: str, arguments: list[str], **environment: str) -> None:
    command = [
        sys.executable, "-m", "coverage", "run", f"--data-file={FOLDER / data}",
        f"--source={MODEL}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
        *arguments,
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | environment, stdout=sys.stderr)


def measure() -> dict[str, dict[str, object]]:
    """Run the tests of the model twice and return statements and missing lines by file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("tests/test_model_*.py"))
    _run("machine", ["-m", "not full", *files])
    plain = [f"tests/test_model_{name}.py" for name in PLAIN]
    left_out = f"not ({PLAIN_LEFT_OUT} or numba)"
    quiet = "ignore:overflow:RuntimeWarning"  # machine integers wrap without a word
    plugin = "tools.mutants.plain_vectors"
    _run(
        "plain",
        ["-p", plugin, "-m", "not full", "-W", quiet, "-k", left_out, *plain],
        NUMBA_DISABLE_JIT="1",
    )
    tool = [sys.executable, "-m", "coverage"]
    both = f"--data-file={FOLDER / 'both'}"
    silent = {"check": True, "cwd": ROOT, "stdout": subprocess.DEVNULL}
    subprocess.run([*tool, "combine", both, "--keep", str(FOLDER / "machine"),
                    str(FOLDER / "plain")], **silent)  # type: ignore[call-overload]  # fmt: skip
    report = FOLDER / "report.json"
    subprocess.run([*tool, "json", both, "-o", str(report)], **silent)  # type: ignore[call-overload]
    found: dict[str, dict[str, object]] = {}
    for name, data in sorted(json.loads(report.read_text())["files"].items()):
        path = Path(name)
        source = (ROOT / path).read_text(encoding="utf-8").splitlines()
        short = str((ROOT / path).relative_to(MODEL))
        if short not in MACHINE_CODE:
            found[short] = {
                "statements": data["summary"]["num_statements"],
                "missing": [source[line - 1].strip() for line in data["missing_lines"]],
            }
    return found


def main() -> int:
    """Measure, and keep the result for the page."""
    write_whole(FILE, json.dumps(measure(), indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
