"""SASL: authentication exchanges as question generators, one pair per mechanism. Floor 1.

A protocol's machine or shell finds a mechanism in MECHANISMS, drives a ServerExchange or a ClientExchange,
and carries the bytes with encode/decode. Nothing here knows a protocol, a database or a clock.
"""

from postel.proto.sasl.client import ClientExchange, ExchangeFault
from postel.proto.sasl.contract import (
    Authenticated,
    Challenge,
    CheckPassword,
    Denial,
    Denied,
    Mechanism,
    Response,
    ServerExchange,
    Verdict,
)
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.mechanisms import MECHANISMS, choose_mechanism, find_mechanism
from postel.proto.sasl.prepare import IDENTITY_LIMIT, prepare
from postel.proto.sasl.wire import CANCEL, LINE_LIMIT, decode, decode_initial, encode, encode_initial

__all__ = [
    "CANCEL",
    "IDENTITY_LIMIT",
    "LINE_LIMIT",
    "MECHANISMS",
    "Authenticated",
    "Challenge",
    "CheckPassword",
    "ClientExchange",
    "Credentials",
    "Denial",
    "Denied",
    "ExchangeFault",
    "Mechanism",
    "Response",
    "ServerExchange",
    "Verdict",
    "choose_mechanism",
    "decode",
    "decode_initial",
    "encode",
    "encode_initial",
    "find_mechanism",
    "prepare",
]
