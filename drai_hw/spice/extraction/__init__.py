"""From a circuit to its phase model: closed form, phase response, pair transient."""

from drai_hw.spice.extraction.amplitude import predict_amplitudes, settled_start_rad
from drai_hw.spice.extraction.closed_form import closed_form
from drai_hw.spice.extraction.nulling import null_lag
from drai_hw.spice.extraction.pair import Judged, Pair, pair_transient
from drai_hw.spice.extraction.pairs import Pairs, pairs_transient
from drai_hw.spice.extraction.phase_response import Response, phase_response
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.extraction.predict import predict, rms_rad
from drai_hw.spice.extraction.ways import Check, Extraction, extract

__all__ = [
    "Check",
    "Extraction",
    "Judged",
    "Pair",
    "Pairs",
    "PhaseMap",
    "Response",
    "closed_form",
    "extract",
    "null_lag",
    "pair_transient",
    "pairs_transient",
    "phase_response",
    "predict",
    "predict_amplitudes",
    "rms_rad",
    "settled_start_rad",
]
