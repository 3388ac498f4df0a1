"""Benches for single units, ours or a user's: stimulus, judgement, diagnosis, on any simulator."""
