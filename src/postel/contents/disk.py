"""The calls by which content files change a disk.

Gives       Disk.
Not here    What the files mean, and their locks: contents.files.

A test puts another Disk in its place, which notes every step and can tell what a power cut would leave.
"""

from __future__ import annotations

import os
from pathlib import Path


class Disk:
    """That of this machine. All methods block, and raise OSError."""

    def create(self, path: Path) -> int:
        """A new empty file, open for reading and writing: its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, fd: int, data: memoryview) -> int:
        """Write at the file's position: how many octets were taken."""
        return os.write(fd, data)

    def cut(self, fd: int, size_bytes: int) -> None:
        """Forget what lies behind `size_bytes`, and write there next."""
        os.ftruncate(fd, size_bytes)
        os.lseek(fd, size_bytes, os.SEEK_SET)

    def sync(self, fd: int) -> None:
        """Return when the file's octets and its length are on disk. Its name is the directory's business."""
        os.fsync(fd)

    def sync_directory(self, path: Path) -> None:
        """Return when the names in a directory are on disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)
