"""Oscillators that are ngspice circuits with the learning unit in RTL, in one bench."""
