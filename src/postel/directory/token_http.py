"""One small answer by HTTP, read in a worker thread.

Gives       fetch_json.
Limits      ANSWER_LIMIT octets; TIMEOUT_S for each wait. Redirections are not followed: they would take our secret
            to another place.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any, Final
from urllib.request import HTTPRedirectHandler, Request, build_opener

from postel.directory.token_claims import TokenTrouble

ANSWER_LIMIT: Final = 256 * 1024
TIMEOUT_S: Final = 5.0


class _StayHere(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """None makes the redirection an error."""


_opener: Final = build_opener(_StayHere)


def fetch_json(request: Request) -> dict[str, Any]:
    """The object that a server answers with. Blocks. Raises TokenTrouble."""
    where = f"{request.type}://{request.host}"
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as response:
            text = response.read(ANSWER_LIMIT + 1)
    except (OSError, HTTPException, ValueError) as trouble:
        raise TokenTrouble(f"{where}: {trouble}") from None
    return read_object(text, where)


def read_object(text: bytes, where: str) -> dict[str, Any]:
    """A JSON object that came from `where`. Raises TokenTrouble."""
    if len(text) > ANSWER_LIMIT:
        raise TokenTrouble(f"{where}: more than {ANSWER_LIMIT} octets")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise TokenTrouble(f"{where}: no JSON") from None
    if not isinstance(answer, dict):
        raise TokenTrouble(f"{where}: no JSON object")
    return answer
