"""SASL: authentication exchanges as question generators, one pair per mechanism. Floor 1.

A protocol's machine or shell finds a mechanism in MECHANISMS, drives a ServerExchange or a ClientExchange,
and carries the bytes with encode/decode. Nothing here knows a protocol, a database or a clock.
"""

from postel.proto.sasl.client import ClientExchange, ExchangeFault
from postel.proto.sasl.contract import (
    Anonymous,
    Authenticated,
    Challenge,
    Denial,
    Denied,
    Mechanism,
    Response,
    ServerExchange,
    Stored,
    Verdict,
)
from postel.proto.sasl.credentials import Credentials, Proof
from postel.proto.sasl.mechanisms import DEFAULT_MECHANISMS, MECHANISMS, choose_mechanism, find_mechanism
from postel.proto.sasl.prepare import IDENTITY_LIMIT, prepare, saslprep
from postel.proto.sasl.questions import (
    CheckCertificate,
    CheckPassword,
    CheckProof,
    CheckSecret,
    CheckToken,
    FindBinding,
    FindVerifier,
    FreshNonce,
    SaltPassword,
    ServerIs,
    Verifier,
    WhoIsServer,
)
from postel.proto.sasl.scram import make_verifier, salted
from postel.proto.sasl.wire import CANCEL, LINE_LIMIT, decode, decode_initial, encode, encode_initial

__all__ = [
    "CANCEL",
    "DEFAULT_MECHANISMS",
    "IDENTITY_LIMIT",
    "LINE_LIMIT",
    "MECHANISMS",
    "Anonymous",
    "Authenticated",
    "Challenge",
    "CheckCertificate",
    "CheckPassword",
    "CheckProof",
    "CheckSecret",
    "CheckToken",
    "ClientExchange",
    "Credentials",
    "Denial",
    "Denied",
    "ExchangeFault",
    "FindBinding",
    "FindVerifier",
    "FreshNonce",
    "Mechanism",
    "Proof",
    "Response",
    "SaltPassword",
    "ServerExchange",
    "ServerIs",
    "Stored",
    "Verdict",
    "Verifier",
    "WhoIsServer",
    "choose_mechanism",
    "decode",
    "decode_initial",
    "encode",
    "encode_initial",
    "find_mechanism",
    "make_verifier",
    "prepare",
    "salted",
    "saslprep",
]
