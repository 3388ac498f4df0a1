"""Energies of oscillators, couplings, reads, updates and recalls, each beside a second way."""
