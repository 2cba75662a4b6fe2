"""RFC 8314, RFC 3207 and RFC 8689 on the receiving side, clause by clause."""

from __future__ import annotations

import base64
import ssl

import pytest
from smtp_world import PASSWORD, PLAIN_ANN, SMTP, SUBMISSION, SUBMISSIONS, certificate, world

from postel.net import ConnectionLost, Stream
from postel.servers.smtpd_options import ServiceOptions
from postel.tls import ClientTls, start_client

WRONG = base64.b64encode(b"\0ann@example.org\0wrong").decode()


async def ask(stream: Stream, line: str = "") -> str:
    if line:
        await stream.write(line.encode() + b"\r\n")
    return (await stream.read(60)).decode()


async def start_tls(stream: Stream) -> Stream:
    assert (await ask(stream, "STARTTLS")).startswith("220")
    return await start_client(stream, ClientTls(verify=False), server_name="mx.example.org", timeout_s=5)


async def test_cleartext_logins_are_refused_alike_whether_the_password_is_right_or_wrong() -> None:
    # RFC 8314 4.1
    async with world(SUBMISSION, tls=True) as w:
        said = []
        for credentials in (PLAIN_ANN, WRONG):
            stream = await w.dial()
            await ask(stream)
            assert "AUTH" not in await ask(stream, "EHLO x.example")
            said.append(await ask(stream, f"AUTH PLAIN {credentials}"))
            await stream.close()
        assert said[0] == said[1] and said[0].startswith("538 5.7.11")
    assert PASSWORD


@pytest.mark.parametrize(("options", "is_implicit"), [(SUBMISSION, False), (SUBMISSIONS, True)])
async def test_a_submission_under_tls_has_its_cipher_suite_in_the_trace_field(
    options: ServiceOptions, is_implicit: bool
) -> None:
    # RFC 8314 3.3 and 4.3
    async with world(options, tls=True) as w:
        stream = await w.dial_tls() if is_implicit else await w.dial()
        await ask(stream)
        if not is_implicit:
            await ask(stream, "EHLO x.example")
            stream = await start_tls(stream)
        for line in ("EHLO x.example", f"AUTH PLAIN {PLAIN_ANN}", "MAIL FROM:<ann@example.org>"):
            assert (await ask(stream, line))[0] == "2"
        for line in ("RCPT TO:<k@free.example>", "DATA", "From: ann@example.org\r\n\r\nx\r\n."):
            assert (await ask(stream, line))[0] in "23"
        trace = (await w.content()).partition(b"\r\nFrom")[0].replace(b"\r\n\t", b" ")
        assert b"with ESMTPSA (TLSv1.3 TLS_" in trace
        assert b" for <k@free.example> tls TLS_AES_256_GCM_SHA384; " in trace
        await stream.close()


async def test_no_client_certificate_is_asked_for_where_none_can_log_in() -> None:
    # RFC 8314 4.2
    assert certificate()._default.verify_mode is ssl.CERT_NONE


async def test_older_versions_than_tls_1_2_are_refused_in_the_handshake() -> None:
    # RFC 8314 4.1, RFC 8996
    assert certificate()._default.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("options", [SMTP, SUBMISSION])
async def test_cleartext_behind_starttls_is_never_taken_for_what_tls_protects(
    options: ServiceOptions,
) -> None:
    # RFC 3207 4 and 6
    async with world(options, tls=True) as w:
        stream = await w.dial()
        await ask(stream)
        await ask(stream, "EHLO x.example")
        assert (await ask(stream, "STARTTLS\r\nMAIL FROM:<evil@x.example>")).startswith("503 5.5.0")
        with pytest.raises((ConnectionLost, AssertionError)):
            assert await ask(stream, "NOOP")


@pytest.mark.parametrize("options", [SMTP, SUBMISSION])
async def test_requiretls_is_offered_under_tls_and_kept_with_the_message(options: ServiceOptions) -> None:
    # RFC 8689 2, 4.1
    async with world(options, tls=True) as w:
        stream = await w.dial()
        await ask(stream)
        assert "REQUIRETLS" not in await ask(stream, "EHLO x.example")
        stream = await start_tls(stream)
        assert "\r\n250-REQUIRETLS\r\n" in await ask(stream, "EHLO x.example")
        if options is SUBMISSION:
            await ask(stream, f"AUTH PLAIN {PLAIN_ANN}")
        for line in ("MAIL FROM:<ann@example.org> REQUIRETLS", "RCPT TO:<bob@example.org>", "DATA"):
            assert (await ask(stream, line))[0] in "23"
        assert (await ask(stream, "From: ann@example.org\r\n\r\nx\r\n.")).startswith("250")
        [entry] = await w.queued()
        assert "REQUIRETLS" in entry.message.parameters
        await stream.close()
