"""An issuer of OAuth tokens for tests: keys, JWTs, and an introspection endpoint on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "https://login.example.org"
AUDIENCE = "mail.example.org"


@lru_cache(maxsize=4)
def key(kid: str = "one") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def key_set(*kids: str) -> dict[str, Any]:
    return {"keys": [key(kid).as_dict(private=False) for kid in kids or ("one",)]}


def key_file(folder: Path, *kids: str) -> Path:
    path = folder / "keys.json"
    path.write_text(json.dumps(key_set(*kids)))
    return path


def claims(now: float, **changes: Any) -> dict[str, Any]:
    """Good ones, but for the changes; None takes a claim away."""
    usual = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(now) + 300, "email": "ann@example.org"}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def token(now: float, kid: str = "one", **changes: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": kid}, claims(now, **changes), key(kid), algorithms=["ES256"])


class Endpoint:
    """What the issuer answers to a path or a token, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str | None, str]] = []
        self.url = ""


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Served from a thread: GET answers by path, POST by token, anything unknown with `active: false`."""
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(made.answers.get(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            made.asked.append((self.headers["Authorization"], form["token"][0]))
            self._say(made.answers.get(form["token"][0], {"active": False}))

        def _say(self, answer: Any) -> None:
            status, body = (answer, b"") if isinstance(answer, int) else (200, json.dumps(answer).encode())
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not to the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
