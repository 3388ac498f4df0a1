"""Netlists and subcircuits of other dialects: why ngspice won't take them, and mended copies."""

from drai_hw.spice.lint.cards import Diagnosis
from drai_hw.spice.lint.disturb import disturb
from drai_hw.spice.lint.limits import limits
from drai_hw.spice.lint.run import Report, lint, ngspice_says

__all__ = ["Diagnosis", "Report", "disturb", "limits", "lint", "ngspice_says"]
