"""Amaranth components of the oscillator core, and their emission as Verilog."""
