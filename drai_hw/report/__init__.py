"""The report of a build: one HTML page that carries its figures, and the numbers behind it."""

from drai_hw.report.render import render
from drai_hw.report.stats import Rate

__all__ = ["Rate", "render"]
