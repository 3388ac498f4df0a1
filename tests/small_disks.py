"""Disks that are small, full or read-only, made as this user may."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def may_mount() -> bool:
    """Whether this process may mount: root outside most containers."""
    done = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return done.returncode == 0


@contextmanager
def mounted(place: Path, *words: str) -> Iterator[None]:
    """Mount something at a place for the time of the block."""
    subprocess.run(["mount", *words, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def small_disk(place: Path, size_bytes: int) -> Iterator[str]:
    """Make a folder a disk of so many bytes; yield how: ``tmpfs``, or ``limit`` of file sizes."""
    place.mkdir(exist_ok=True)
    if not may_mount():
        print("may not mount: a limit of file sizes stands for the small disk")
        yield "limit"
        return
    with mounted(place, "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs"):
        yield "tmpfs"


@contextmanager
def read_only(place: Path) -> Iterator[Path]:
    """Make a folder read-only and yield it; without the right to mount, one of the kernel's."""
    place.mkdir(exist_ok=True)
    if not may_mount():
        print("may not mount: a folder of /proc stands for the read-only one")
        yield Path("/proc/self")
        return
    with mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        yield place


def fill(place: Path, free_bytes: int) -> None:
    """Leave so many bytes free on a disk, whole pages of 4 KiB."""
    disk = os.statvfs(place)
    with (place / "filler").open("wb") as file:
        file.write(bytes(max(0, disk.f_bavail * disk.f_frsize - free_bytes)))


def limited(words: list[str], size_bytes: int) -> list[str]:
    """Return words for Python that run the command line with a limit of file sizes."""
    text = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes},) * 2);"
        "sys.argv[:1] = ['drai-hw']; from drai_hw.cli import main; main()"
    )
    return ["-B", "-c", text, *words]
