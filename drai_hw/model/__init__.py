"""The float reference model and its fixed-point twin."""
