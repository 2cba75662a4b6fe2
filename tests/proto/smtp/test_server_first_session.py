"""One whole session, as a reader of RFC 5321 appendix D would expect it."""

from __future__ import annotations

from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import (
    Chunk,
    Closed,
    Connected,
    DataEnd,
    DataStart,
    Ending,
    Hello,
    Mail,
    Quit,
    Rcpt,
    ServerOptions,
    SmtpServer,
)


def test_a_letter_comes_in() -> None:
    server = SmtpServer(ServerOptions(hostname="mx.example.org"))
    said, seen = "", []
    for data in (
        b"",
        b"EHLO client.example.net\r\n",
        b"MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n",
        b"Subject: hi\r\n\r\n..\r\n.\r\n",
        b"QUIT\r\n",
    ):
        if data:
            server.receive(data)
        while (event := server.next_event()) not in (NEED_DATA, PAUSED):
            seen.append(event)
            server.answer(None)
        said += server.data_to_send().decode()
    assert [type(event) for event in seen] == [
        Connected,
        Hello,
        Mail,
        Rcpt,
        DataStart,
        Chunk,
        DataEnd,
        Quit,
        Closed,
    ]
    assert seen[5] == Chunk(b"Subject: hi\r\n\r\n.\r\n")
    assert seen[-1] == Closed(Ending.QUIT)
    assert [line[:4] for line in said.splitlines() if line[3] == " "] == [
        "220 ",
        "250 ",
        "250 ",
        "250 ",
        "354 ",
        "250 ",
        "221 ",
    ]
    assert server.over
