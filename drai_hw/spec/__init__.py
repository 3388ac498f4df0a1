"""The network file: schema, reading, patterns."""

from drai_hw.spec.load import parse, read, validate
from drai_hw.spec.patterns import Patterns, check_values, corrupt, load_patterns, read_patterns
from drai_hw.spec.schema import Spec
from drai_hw.spec.template import template

__all__ = [
    "Patterns",
    "Spec",
    "check_values",
    "corrupt",
    "load_patterns",
    "parse",
    "read",
    "read_patterns",
    "template",
    "validate",
]
