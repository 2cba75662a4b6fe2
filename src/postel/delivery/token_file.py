"""The OAuth 2.0 token of a route, in a file that another program renews.

Implements  RFC 6750 2.1 (what a bearer token is made of).
Gives       read_token, BadTokenFile.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

from postel.net import Workers

TOKEN_LIMIT: Final = 8192  # what fits into one line of SASL, with all around it (RFC 4954 4)
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")


class BadTokenFile(Exception):
    """The file cannot be read, or is no token. Its text is for the log, and shows nothing of the content."""


async def read_token(path: Path, workers: Workers | None) -> str:
    """The token as it stands there now. Raises BadTokenFile."""
    work = partial(_read, path)
    return await workers.run(work) if workers else work()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(TOKEN_LIMIT + 1).strip()
    except OSError as trouble:
        raise BadTokenFile(f"{path}: {trouble.strerror or trouble}") from None
    if len(text) > TOKEN_LIMIT or not _TOKEN.fullmatch(text):
        raise BadTokenFile(f"{path}: this is no token")
    return text.decode()
