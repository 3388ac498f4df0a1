"""Boards: board files, bitstreams with the tools' figures, programming, host driver."""
