"""The content of messages, stored once for all who hold it. Floor 2.

A draft receives it, `keep` stores it in the transaction of its first holder, `hold` and `release` count.
"""

from postel.contents.contents import INLINE_LIMIT, Contents
from postel.contents.disk import Disk
from postel.contents.draft import Draft
from postel.contents.files import FOLDER
from postel.contents.reader import CHUNK_BYTES, ContentReader
from postel.contents.rows import (
    MIGRATIONS,
    ContentMissing,
    DraftBusy,
    content_files,
    hold,
    keep,
    keep_all,
    lend,
    name_draft,
    release,
    release_all,
    release_draft,
    small_contents,
    unname_draft,
)
from postel.contents.sealed import Sealed
from postel.contents.space import FreeSpace

__all__ = [
    "CHUNK_BYTES",
    "FOLDER",
    "INLINE_LIMIT",
    "MIGRATIONS",
    "ContentMissing",
    "ContentReader",
    "Contents",
    "Disk",
    "Draft",
    "DraftBusy",
    "FreeSpace",
    "Sealed",
    "content_files",
    "hold",
    "keep",
    "keep_all",
    "lend",
    "name_draft",
    "release",
    "release_all",
    "release_draft",
    "small_contents",
    "unname_draft",
]
