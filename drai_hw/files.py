"""Files that are written whole or not at all, and given files read within bounds."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drai_hw.errors import SpecError
from drai_hw.interrupts import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELSEWHERE = "another place with -o"
"""What a message offers for a place that cannot be written."""

FULL_BYTES = 1 << 20
"""With less than this free, what failed on a disk most likely failed for want of space."""

_REFUSALS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ENOTDIR",
                 "EISDIR", "ENAMETOOLONG", "EMFILE", "ENFILE", "EAGAIN", "ENOMEM")
}  # fmt: skip

MOST_BYTES = 1 << 28
"""Most that is read of a file the user names: a device or a wrong file must not fill memory."""


PIPE_PATIENCE_S = 10.0
"""Longest silence of a pipe that is given as a file."""


def write_whole(path: Path, text: str, *, elsewhere: str = ELSEWHERE) -> None:
    """Write a text file so that a reader sees the old content or the new, nothing between.

    Missing folders are made; what was half-written is removed.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        Its new content, stored as UTF-8.
    elsewhere : str
        As in `made_whole`.

    Raises
    ------
    SpecError
        As `made_whole`.
    """
    write_together({path: text}, elsewhere=elsewhere)


def write_together(files: Mapping[Path, str | bytes], *, elsewhere: str = ELSEWHERE) -> None:
    """Write several files that belong together: all of them, or none when one cannot be written.

    Missing folders are made. An interruption leaves all old contents or all new ones.

    Parameters
    ----------
    files : mapping
        Content by path; text is stored as UTF-8.
    elsewhere : str
        As in `made_whole`.

    Raises
    ------
    SpecError
        As `made_whole`.
    """
    with contextlib.ExitStack() as made:
        for path, content in files.items():
            beside = made.enter_context(made_whole(path, elsewhere=elsewhere))
            beside.write_bytes(content.encode() if isinstance(content, str) else content)
        _put_in_place(made)


@whole
def move_together(files: Mapping[Path, Path]) -> None:
    """Move files on one disk; an interruption leaves all in their old places or in the new ones.

    Parameters
    ----------
    files : mapping
        New place by old one.
    """
    for old, new in files.items():
        os.replace(old, new)


@whole
def _put_in_place(made: contextlib.ExitStack) -> None:
    made.close()


@contextlib.contextmanager
def made_whole(path: Path, *, what: str = "", elsewhere: str = ELSEWHERE) -> Iterator[Path]:
    """Give a place beside a file where it can be made; it takes the file's place at the end.

    Missing folders are made; after an error the place is cleared and the old file stays.

    Parameters
    ----------
    path : Path
        The file; the place beside it has its suffix.
    what : str
        What it holds, for messages: ``"checkpoint "``.
    elsewhere : str
        What to choose instead, for messages.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    SpecError
        A place that takes no file: ``cannot write 'x': No space left on device; ...``.
    """
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a device, a pipe
            raise OSError(errno.EINVAL, "it is a device or a pipe, needs a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            os.replace(beside, path)
        finally:
            with contextlib.suppress(OSError):  # there was no folder to write to
                beside.unlink()
    except OSError as error:
        raise unwritable(path, error, what=what, elsewhere=elsewhere) from error


def unwritable(
    path: Path, error: OSError, *, what: str = "", elsewhere: str = ELSEWHERE
) -> SpecError:
    """Return the error of a place that cannot be written, with what would help."""
    reason = error.strerror or str(error)
    remedy = f"choose {elsewhere}"
    note = full_disk(path)
    if note or error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = f"free some space or {remedy}" + (f" ({note})" if note else "")
    elif error.errno == errno.EFBIG:
        remedy = f"raise the limit of file sizes (ulimit -f) or {remedy}"
    return SpecError(f"cannot write {what}{str(path)!r}: {reason}; {remedy}")


def full_disk(path: Path) -> str:
    """Return a note when next to nothing is free where a path is or would be, else nothing."""
    try:
        place = next((place for place in (path, *path.absolute().parents) if place.exists()), None)
        free = shutil.disk_usage(place).free if place else FULL_BYTES
        if place and os.statvfs(place).f_flag & os.ST_RDONLY:  # full by nature
            return ""
    except OSError:
        return ""
    return f"{free:,} bytes are free there" if free < FULL_BYTES else ""


def want_of_space(*places: Path) -> str:
    """Return what to do when next to nothing is free at a place or where temporary files go.

    What fails then most likely fails for want of space, whatever it says; else nothing.
    """
    import tempfile

    with contextlib.suppress(OSError):  # no usable place at all
        places = (*places, Path(tempfile.gettempdir()))
    for place in places:
        if note := full_disk(place):
            return f"free some space at {str(place)!r} ({note})"
    return ""


def system_failure(error: Exception) -> str | None:
    """Return the message for what the system refuses (space, rights, memory), else None."""
    if isinstance(error, MemoryError):
        return f"not enough memory ({error}); needs a smaller network, or a larger machine".replace(
            " ()", ""
        )
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error.strerror):
        remedy = "free some space there, or set TMPDIR to a folder that can be written"
        return f"{error.strerror}; {remedy}"
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    name = error.filename if isinstance(error.filename, str | os.PathLike) else None
    if name is None:
        return f"cannot write: {error.strerror}; free some space, or choose another place"
    return str(unwritable(Path(name), error))


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
        with open(path, "rb", opener=_open_at_once) as file:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                content = _from_pipe(file.fileno(), most + 1)
            else:
                content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise unreadable(path, what, reason, needs) from None
    if len(content) > most:
        raise unreadable(path, what, f"larger than {most:,} bytes", needs)
    return content


def _open_at_once(name: str, flags: int) -> int:
    # Opening a pipe waits for its writer, for ever if none comes.
    return os.open(name, flags | os.O_NONBLOCK)


def _from_pipe(pipe: int, most: int) -> bytes:
    """Read a pipe to its end, or to so many bytes; its writer must not be silent for too long."""
    content, heard = bytearray(), time.monotonic()
    state = select.poll()
    state.register(pipe, 0)  # asks for nothing but whether the last writer is gone
    while len(content) < most:
        try:
            part = os.read(pipe, min(1 << 20, most - len(content)))
        except BlockingIOError:  # a writer that has not written yet
            part = None
        if part:
            content += part
            heard = time.monotonic()
        elif part is not None and (content or state.poll(0)):
            break
        elif time.monotonic() - heard > PIPE_PATIENCE_S:
            raise OSError(
                errno.ETIMEDOUT, f"nothing came out of the pipe for {PIPE_PATIENCE_S:g} s"
            )
        elif part is None:
            select.select([pipe], [], [], 0.1)
        else:
            time.sleep(0.02)  # no writer yet
    return bytes(content)


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
