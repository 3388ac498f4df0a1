"""Exceptions of the toolkit; a message says what was given, what is needed, how to mend it."""


class DraiError(Exception):
    """Base of all errors a user can cause or mend; the command line ends with status 2 on it."""


class SpecError(DraiError):
    """The network file (or a pattern or argument beside it) is not acceptable."""


class FitError(DraiError):
    """The network does not fit the device it was meant for."""


class ToolError(DraiError):
    """A tool is missing or failed; the message carries the tool's own line."""


class ConvergenceError(ToolError):
    """The circuit simulator found no solution."""


class LinkError(DraiError):
    """The device at the other end of a link does not answer as it should."""
