"""Networks of tanks whose synapses learn a pattern inside ngspice, beside the learning rule."""

from drai_hw.spice.learning_network.expected import expected
from drai_hw.spice.learning_network.network import Network, Stage
from drai_hw.spice.learning_network.runs import Course, Run, run

__all__ = ["Course", "Network", "Run", "Stage", "expected", "run"]
