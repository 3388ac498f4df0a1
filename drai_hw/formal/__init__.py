"""Proofs: logic as a transition system, its rules as terms of bit vectors, and a solver."""
