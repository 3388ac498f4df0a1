"""The acceptance table: published and closed-form values, and what float model and twin measure."""

from drai_hw.model.acceptance.row import Row
from drai_hw.model.acceptance.table import rows

__all__ = ["Row", "rows"]
