"""Ctrl-C and SIGTERM at any moment: one line, exit status 130, no file half-written, no child left.

This module is imported before any other, so it imports nothing that takes time: `signal` alone
brings `enum` along, hence its C part `_signal`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

STATUS = 130
MESSAGE = "drai-hw: interrupted; finished stages are kept"
PATIENCE_S = 15.0
"""After this time without an end the interruption is raised again: a library may swallow one."""

_RETRY_S = 0.005
_SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
# What leaves a child or a folder behind when it is broken off: begun but not yet recorded.
_LIBRARY = (
    ("subprocess", "Popen.__init__"),
    ("tempfile", "mkdtemp"),
    ("tempfile", "TemporaryDirectory.__init__"),
    ("tempfile", "TemporaryDirectory.cleanup"),
    ("tempfile", "TemporaryDirectory._cleanup"),
    ("shutil", "rmtree"),
)

_unbroken: set[CodeType] = set()
_phase = "off"  # off, starting, working, over
_asked = False


def whole(function: F) -> F:
    """Mark a function that an interruption waits for: it is short and must not be broken off."""
    _unbroken.add(function.__code__)
    return function


def install() -> None:
    """Take SIGINT, SIGTERM and SIGHUP, except those that the process was told to ignore.

    Until `working` is called, one of them ends the process at once.
    """
    global _phase
    if _phase != "off":
        return
    _phase = "starting"
    for number in _SIGNALS:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _handle)


def working() -> None:
    """From now on an interruption is a KeyboardInterrupt, so that files and children are cleared.

    One that Python would only print, because it came up in a finaliser, is raised again.
    """
    global _phase
    _adopt_orphans()
    _signal.signal(_signal.SIGALRM, _handle)
    earlier = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt and _asked:
            _signal.setitimer(_signal.ITIMER_REAL, _RETRY_S)
        else:
            earlier(unraisable)

    sys.unraisablehook = hook
    _phase = "working"


def over() -> None:
    """From now on an interruption changes nothing: what there was to do is done."""
    global _phase
    _phase = "over"
    _signal.setitimer(_signal.ITIMER_REAL, 0)
    for number in _SIGNALS:  # Python, when it ends, would let them kill it
        if owned(number):
            _signal.signal(number, _signal.SIG_IGN)


def asked() -> bool:
    """Whether an interruption has come since the work began."""
    return _asked


def owned(number: int) -> bool:
    """Whether a signal is taken by this module."""
    return _signal.getsignal(number) is _handle


def stop_children() -> None:
    """End what this process started and nobody ended, with all of its descendants."""
    from drai_hw.processes import end_descendants

    end_descendants()


def _handle(number: int, frame: FrameType | None) -> None:
    global _asked
    if _phase == "starting":
        os.write(2, (MESSAGE + "\n").encode())
        os._exit(STATUS)
    again = number == _signal.SIGALRM
    if _phase != "working" or (_asked and not again):
        return  # the clean-up of the first is under way
    _asked = True
    if _must_wait(frame):
        _signal.setitimer(_signal.ITIMER_REAL, _RETRY_S)
        return
    _signal.setitimer(_signal.ITIMER_REAL, PATIENCE_S)
    raise KeyboardInterrupt


def _must_wait(frame: FrameType | None) -> bool:
    codes = _unbroken | _library_codes()
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False


def _library_codes() -> set[CodeType]:
    found = set()
    for module, path in _LIBRARY:
        thing: Any = sys.modules.get(module)
        for name in path.split("."):
            thing = getattr(thing, name, None)
        thing = getattr(thing, "__func__", thing)
        if hasattr(thing, "__code__"):
            found.add(thing.__code__)
    return found


def _adopt_orphans() -> None:
    """Let the kernel make grandchildren ours when a child dies, so that `stop_children` sees them.

    Linux only; elsewhere such a grandchild ends when its work does.
    """
    if sys.platform != "linux":
        return
    import ctypes

    set_child_subreaper = 36  # <linux/prctl.h>
    try:
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
    except (OSError, AttributeError):  # a C library without it
        return
