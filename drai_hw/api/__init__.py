"""The Python interface: networks that learn and recall, arrays in and arrays out."""

from drai_hw.api.data import corrupt, patterns
from drai_hw.api.network import Network, load
from drai_hw.api.results import Learned, Recalled, Run

__all__ = ["Learned", "Network", "Recalled", "Run", "corrupt", "load", "patterns"]
