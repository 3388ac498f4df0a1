"""Switched capacitors tune tanks: mismatch, a calibration that counts edges, recall, page."""
