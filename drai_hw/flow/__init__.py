"""The chain from a network file to a report: stages, stored results, progress."""
