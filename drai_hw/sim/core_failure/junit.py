"""The result of a core's test as JUnit XML: a test case for each kind of value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from drai_hw.sim.core_failure.explain import first_in_words, in_words

KINDS = ("theta", "margin", "frequency", "weight", "flags", "registers and reads")
"""Test cases: phases, margin bits, smoothed frequencies, weights, and what else is compared."""

_FLAGS = ("over budget", "lean", "low")


def junit(record: Mapping[str, Any], seconds: float) -> str:
    """Return the result as JUnit XML; it ends with the first difference, which fails its case.

    Parameters
    ----------
    record : mapping
        What `drai-hw sim --unit core --dut --json` prints.
    seconds : float
        Wall time of the bench.
    """
    suite = ElementTree.Element("testsuite", name="drai-hw sim --unit core")
    first = record["first_mismatch"]
    failed = kind_of(first["what"]) if first else None
    for kind in KINDS:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"core.{record['top']}", name=kind,
            time=f"{seconds / len(KINDS):.3f}",
        )  # fmt: skip
        if kind == failed:
            failure = record["failure"]
            message = f"{failure['rule']}: {failure['words']}"
            entry = ElementTree.SubElement(case, "failure", message=message, type="mismatch")
            entry.text = "\n".join([first_in_words(first), *in_words(failure)])
    suite.set("tests", str(len(KINDS)))
    suite.set("failures", str(int(failed is not None)))
    suite.set("errors", "0")
    suite.set("time", f"{seconds:.3f}")
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )


def kind_of(what: str) -> str:
    """Return the test case of a difference."""
    if what in KINDS:
        return what
    return "flags" if what in _FLAGS else "registers and reads"
