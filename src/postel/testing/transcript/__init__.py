"""Sessions written down as text, and the players that act them out.

Gives       Transcript, parse_transcript, read_transcripts; Player and the players; bless; Role; SmtpRole,
            Pop3Role, ImapRole.

    title:  a recipient refused in a pipelined group does not stop the others
    rfc:    2920 3.1, 5321 3.3
    with:   faults = 3

    S 220 ...                        what the server says; ... is any text, $name binds a word
    C EHLO client.example.net        what the client says, CRLF added
    C| NOOP\\n                        the same as raw octets with escapes; {text*9} repeats
    = Rcpt(bob@example.org) -> 550 5.1.1 No   an event that the shell must see, and what it answers
    ! 5                              from here on no reply begins like this
    ...TLS                           both sides have done the TLS handshake
    close client                     that side closes; also: close server
    silence                          the client says nothing until the timeout
    # a comment; after two blanks also at the end of a line

Run `python -m postel.testing.transcript FILE...` to play files, with `--bless` to write what is said now
over the S lines that no longer match; it shows the difference.
"""

from postel.testing.transcript.bless import bless
from postel.testing.transcript.imap import ImapRole
from postel.testing.transcript.parse import (
    ClientSays,
    Closes,
    Never,
    Sees,
    ServerSays,
    Silence,
    StartsTls,
    Step,
    Transcript,
    parse_transcript,
    read_transcripts,
)
from postel.testing.transcript.players import (
    SERVER_PLAYERS,
    AtOnce,
    Bytewise,
    Mismatch,
    Player,
    RandomSplits,
    WholeLines,
)
from postel.testing.transcript.pop3 import Pop3Role
from postel.testing.transcript.role import Role
from postel.testing.transcript.smtp import SmtpRole

__all__ = [
    "SERVER_PLAYERS",
    "AtOnce",
    "Bytewise",
    "ClientSays",
    "Closes",
    "ImapRole",
    "Mismatch",
    "Never",
    "Player",
    "Pop3Role",
    "RandomSplits",
    "Role",
    "Sees",
    "ServerSays",
    "Silence",
    "SmtpRole",
    "StartsTls",
    "Step",
    "Transcript",
    "WholeLines",
    "bless",
    "parse_transcript",
    "read_transcripts",
]
