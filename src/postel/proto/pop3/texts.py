"""What the server says to people, in each language it speaks.

Implements  RFC 6856 3 (LANG), RFC 4647 3.3.1 and 3.4 (matching a language range).
Gives       Text, LANGUAGES, say, match_language.
Not here    Response codes: they are for programs, and the same in every language (events).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Text(enum.Enum):
    """Every text, by what it tells."""

    READY = enum.auto()
    GOODBYE = enum.auto()
    CAPABILITIES = enum.auto()
    BEGIN_TLS = enum.auto()
    HAVE_TLS = enum.auto()
    NO_TLS = enum.auto()
    TLS_FIRST = enum.auto()
    STRAY_PLAINTEXT = enum.auto()
    NAME_TAKEN = enum.auto()
    LOGGED_IN = enum.auto()
    LOGIN_FAILED = enum.auto()
    LOGIN_TOO_SOON = enum.auto()
    MAILDROP_IN_USE = enum.auto()
    NO_APOP = enum.auto()
    NO_SUCH_MECHANISM = enum.auto()
    LOGIN_CANCELLED = enum.auto()
    NOT_BASE64 = enum.auto()
    UNKNOWN_COMMAND = enum.auto()
    BAD_ARGUMENTS = enum.auto()
    WRONG_STATE = enum.auto()
    LINE_TOO_LONG = enum.auto()
    TOO_MANY_FAULTS = enum.auto()
    TOO_MANY_SESSIONS = enum.auto()
    SHUTTING_DOWN = enum.auto()
    NOT_WELCOME = enum.auto()
    TRY_LATER = enum.auto()
    BROKEN = enum.auto()
    MESSAGES = enum.auto()
    NO_SUCH_MESSAGE = enum.auto()
    IS_DELETED = enum.auto()
    MESSAGE_DELETED = enum.auto()
    MESSAGE_FOLLOWS = enum.auto()
    TOP_FOLLOWS = enum.auto()
    LISTING_FOLLOWS = enum.auto()
    NEEDS_UTF8 = enum.auto()
    UTF8_ON = enum.auto()
    TLS_AFTER_UTF8 = enum.auto()
    DONE = enum.auto()
    NOT_REMOVED = enum.auto()
    LANGUAGE_CHOSEN = enum.auto()
    NO_SUCH_LANGUAGE = enum.auto()


_ENGLISH: Final[Mapping[Text, str]] = {
    Text.READY: "POP3 server ready",
    Text.GOODBYE: "Goodbye",
    Text.CAPABILITIES: "Capability list follows",
    Text.BEGIN_TLS: "Begin TLS negotiation now",
    Text.HAVE_TLS: "TLS is active already",
    Text.NO_TLS: "TLS is not available here",
    Text.TLS_FIRST: "Start TLS first: no login in plaintext",
    Text.STRAY_PLAINTEXT: "Plaintext after STLS",
    Text.NAME_TAKEN: "Now the password",
    Text.LOGGED_IN: "Maildrop locked and ready: {count} messages ({octets} octets)",
    Text.LOGIN_FAILED: "Name or password is wrong",
    Text.LOGIN_TOO_SOON: "Logged in a short while ago, wait before the next login",
    Text.MAILDROP_IN_USE: "Another session has this maildrop open",
    Text.NO_APOP: "APOP is not available here",
    Text.NO_SUCH_MECHANISM: "Mechanism not available",
    Text.LOGIN_CANCELLED: "Login cancelled",
    Text.NOT_BASE64: "Not BASE64",
    Text.UNKNOWN_COMMAND: "Unknown command",
    Text.BAD_ARGUMENTS: "Arguments do not fit the command",
    Text.WRONG_STATE: "Not in this state of the session",
    Text.LINE_TOO_LONG: "Line too long",
    Text.TOO_MANY_FAULTS: "Too many errors, goodbye",
    Text.TOO_MANY_SESSIONS: "Too many sessions, try again later",
    Text.SHUTTING_DOWN: "Shutting down, try again later",
    Text.NOT_WELCOME: "No access from your address",
    Text.TRY_LATER: "Trouble on our side, try again later",
    Text.BROKEN: "Trouble on our side, tell the postmaster",
    Text.MESSAGES: "{count} messages ({octets} octets)",
    Text.NO_SUCH_MESSAGE: "No such message",
    Text.IS_DELETED: "Message is deleted already",
    Text.MESSAGE_DELETED: "Message deleted",
    Text.MESSAGE_FOLLOWS: "{octets} octets",
    Text.TOP_FOLLOWS: "Top of message follows",
    Text.LISTING_FOLLOWS: "Listing follows",
    Text.NEEDS_UTF8: "Give UTF8 before the login to read this message",
    Text.UTF8_ON: "UTF-8 from now on",
    Text.TLS_AFTER_UTF8: "Too late for STLS after UTF8",
    Text.DONE: "Done",
    Text.NOT_REMOVED: "Deleted messages were not removed",
    Text.LANGUAGE_CHOSEN: "Language changed",
    Text.NO_SUCH_LANGUAGE: "Language not available",
}

_GERMAN: Final[Mapping[Text, str]] = {
    Text.READY: "POP3-Server bereit",
    Text.GOODBYE: "Auf Wiedersehen",
    Text.CAPABILITIES: "Liste der Fähigkeiten folgt",
    Text.BEGIN_TLS: "TLS kann beginnen",
    Text.HAVE_TLS: "TLS ist schon aktiv",
    Text.NO_TLS: "TLS ist hier nicht verfügbar",
    Text.TLS_FIRST: "Zuerst TLS beginnen: keine Anmeldung im Klartext",
    Text.STRAY_PLAINTEXT: "Klartext nach STLS",
    Text.NAME_TAKEN: "Nun das Passwort",
    Text.LOGGED_IN: "Postfach gesperrt und bereit: {count} Nachrichten ({octets} Oktette)",
    Text.LOGIN_FAILED: "Name oder Passwort ist falsch",
    Text.LOGIN_TOO_SOON: "Erst vor kurzem angemeldet, bitte vor der nächsten Anmeldung warten",
    Text.MAILDROP_IN_USE: "Eine andere Sitzung hat dieses Postfach geöffnet",
    Text.NO_APOP: "APOP ist hier nicht verfügbar",
    Text.NO_SUCH_MECHANISM: "Mechanismus nicht verfügbar",
    Text.LOGIN_CANCELLED: "Anmeldung abgebrochen",
    Text.NOT_BASE64: "Kein BASE64",
    Text.UNKNOWN_COMMAND: "Unbekanntes Kommando",
    Text.BAD_ARGUMENTS: "Die Argumente passen nicht zum Kommando",
    Text.WRONG_STATE: "Nicht in diesem Zustand der Sitzung",
    Text.LINE_TOO_LONG: "Zeile zu lang",
    Text.TOO_MANY_FAULTS: "Zu viele Fehler, auf Wiedersehen",
    Text.TOO_MANY_SESSIONS: "Zu viele Sitzungen, bitte später versuchen",
    Text.SHUTTING_DOWN: "Der Server wird beendet, bitte später versuchen",
    Text.NOT_WELCOME: "Kein Zugang von Ihrer Adresse",
    Text.TRY_LATER: "Eine Störung bei uns, bitte später versuchen",
    Text.BROKEN: "Eine Störung bei uns, bitte den Postmaster verständigen",
    Text.MESSAGES: "{count} Nachrichten ({octets} Oktette)",
    Text.NO_SUCH_MESSAGE: "Keine solche Nachricht",
    Text.IS_DELETED: "Die Nachricht ist schon gelöscht",
    Text.MESSAGE_DELETED: "Nachricht gelöscht",
    Text.MESSAGE_FOLLOWS: "{octets} Oktette",
    Text.TOP_FOLLOWS: "Anfang der Nachricht folgt",
    Text.LISTING_FOLLOWS: "Liste folgt",
    Text.NEEDS_UTF8: "Diese Nachricht braucht UTF8 vor der Anmeldung",
    Text.UTF8_ON: "UTF-8 von nun an",
    Text.TLS_AFTER_UTF8: "Nach UTF8 ist es zu spät für STLS",
    Text.DONE: "Erledigt",
    Text.NOT_REMOVED: "Gelöschte Nachrichten wurden nicht entfernt",
    Text.LANGUAGE_CHOSEN: "Sprache gewechselt",
    Text.NO_SUCH_LANGUAGE: "Sprache nicht verfügbar",
}

TEXTS: Final[Mapping[str, Mapping[Text, str]]] = {"en": _ENGLISH, "de": _GERMAN}

# RFC 6856 3.2: a tag, and the language's name in the language itself.
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}


def say(text: Text, language: str, **facts: int) -> str:
    """The text in a language of LANGUAGES, with its numbers filled in."""
    return TEXTS[language][text].format(**facts)


def match_language(wanted: str, preferred: str) -> str | None:
    """The tag that a basic language range selects; `*` selects the preferred one; None for no match."""
    if wanted == "*":
        return preferred
    subtags = wanted.lower().split("-")
    for length in range(len(subtags), 0, -1):  # RFC 4647 3.4: shorten until something fits
        prefix = "-".join(subtags[:length])
        for tag in LANGUAGES:
            if tag == prefix or tag.startswith(prefix + "-"):
                return tag
    return None
