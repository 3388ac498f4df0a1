"""Memristor models: equations, subcircuits for ngspice, variation, safe voltages."""

from drai_hw.spice.memristors.cards import LIBRARIES, MODELS
from drai_hw.spice.memristors.model import Model, Parameter, library, varied

__all__ = ["LIBRARIES", "MODELS", "Model", "Parameter", "library", "varied"]
