"""The envelope: who a mail transaction is from and for.

Implements  RFC 5321 2.3.1, 4.1.1.11 (parameters).
Gives       Parameters, Recipient, Envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail.path import ForwardPath, ReversePath

# ESMTP parameters as they were given, keyword in upper case; None for a keyword without a value.
# They travel through the queue as they are, so that an extension needs no column of its own.
Parameters: TypeAlias = Mapping[str, str | None]

NO_PARAMETERS: Final[Parameters] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recipient:
    """One forward path with the parameters of its RCPT."""

    forward_path: ForwardPath
    parameters: Parameters = field(default_factory=lambda: NO_PARAMETERS)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Reverse path, recipients, and the parameters of MAIL."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    parameters: Parameters = field(default_factory=lambda: NO_PARAMETERS)

    @property
    def asks_smtputf8(self) -> bool:
        """Whether the client declared SMTPUTF8 (RFC 6531 3.4)."""
        return "SMTPUTF8" in self.parameters

    @property
    def is_8bit(self) -> bool:
        """Whether the content was declared to hold octets above 127 (RFC 6152 2)."""
        return (self.parameters.get("BODY") or "7BIT").upper() != "7BIT"
