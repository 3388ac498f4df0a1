"""Schematics of the circuits' cells, drawn with the names of the netlists."""

from drai_hw.report.schematics import cells

DRAWINGS = {
    "tank": cells.tank,
    "cross-coupled": cells.cross_coupled,
    "couplings": cells.couplings,
    "ring": cells.ring,
    "single-ended": cells.single_ended,
    "memristor-branch": cells.memristor_branch,
    "memristor-pair": cells.memristor_pair,
    "crossbar": cells.crossbar,
    "synapse": cells.synapse,
}

__all__ = ["DRAWINGS"]
