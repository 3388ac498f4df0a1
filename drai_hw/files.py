"""Files that are written whole or not at all, and given files read within bounds."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 1 << 28
"""Most that is read of a file the user names: a device or a wrong file must not fill memory."""


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new, nothing between.

    Missing folders are made; what was half-written is removed.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        Its new content, stored as UTF-8.
    """
    with made_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """Give a place beside a file where it can be made; it takes the file's place at the end.

    Missing folders are made; after an error the place is cleared and the old file stays.

    Parameters
    ----------
    path : Path
        The file; the place beside it has its suffix.

    Yields
    ------
    Path
        Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def given_bytes(path: Path, what: str, needs: str, *, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file that the user named.

    Parameters
    ----------
    path : Path
        The file; a pipe will do.
    what : str
        What it should hold, for messages: ``"patterns"``.
    needs : str
        What would be right, for messages: ``"a .npy array of -1/+1 (M x N)"``.
    most : int
        Bytes that are read at most.

    Raises
    ------
    SpecError
        A file that cannot be read, or a larger one: ``cannot read patterns 'x': ...; needs ...``.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise unreadable(path, what, reason, needs) from None
    if len(content) > most:
        raise unreadable(path, what, f"larger than {most:,} bytes", needs)
    return content


def given_text(path: Path, what: str, needs: str, encoding: str = "utf-8") -> str:
    """Return the text of a file that the user named; as `given_bytes`.

    Raises
    ------
    SpecError
        As `given_bytes`, and where the content is no text.
    """
    try:
        return given_bytes(path, what, needs).decode(encoding)
    except UnicodeDecodeError:
        name = {"utf-8": "UTF-8", "ascii": "ASCII"}[encoding]
        raise unreadable(path, what, f"not {name} text", needs) from None


def given_array(path: Path, what: str, needs: str) -> NDArray[Any]:
    """Return the array of a .npy file that the user named; as `given_bytes`. Nothing is unpickled.

    Raises
    ------
    SpecError
        As `given_bytes`, and where the content is no array.
    """
    from numpy.lib import format as npy

    content = io.BytesIO(given_bytes(path, what, needs))
    try:
        return npy.read_array(content, allow_pickle=False)
    except Exception as error:  # numpy's reader of headers raises whatever its parser does
        reason = " ".join(str(error).split()) or type(error).__name__
        raise unreadable(path, what, f"no array ({reason})", needs) from None


def unreadable(path: Path, what: str, reason: str, needs: str) -> SpecError:
    """Return the error of a file that cannot be used."""
    return SpecError(f"cannot read {what} {str(path)!r}: {reason}; needs {needs}")
