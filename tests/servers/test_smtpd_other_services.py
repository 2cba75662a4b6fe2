"""The ports that do one thing: 366, where mail is fetched, and a port that takes no mail."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from smtp_world import SMTP, world

from postel.servers.smtpd_options import Service, ServiceOptions
from postel.servers.smtpd_trust import Audience, CommandOptions

NO_MAIL = replace(SMTP, service=Service.NO_MAIL)
ODMR: ServiceOptions = replace(SMTP, service=Service.ODMR, commands=CommandOptions(fetches=True))


async def test_a_port_that_takes_no_mail_says_so_and_hears_quit() -> None:
    async with world(NO_MAIL) as made:
        await made.play(
            """
            S 521 Server does not accept mail
            C EHLO client.example.net
            S 503 5.5.1 ...
            C MAIL FROM:<ann@example.net>
            S 503 5.5.1 ...
            C QUIT
            S 221 2.0.0 ...
            close server
            """
        )


async def test_a_port_that_takes_no_mail_is_not_kept_open_by_whoever_talks_on() -> None:
    async with world(NO_MAIL) as made:
        await made.play(
            "S 521 ...\n"
            + "C RCPT TO:<bob@example.org>\nS 503 5.5.1 ...\n" * 9
            + "C NOOP\nS 503 ...\nS 421 ...\nclose server"
        )


async def test_the_port_of_on_demand_mail_relay_knows_nothing_else() -> None:
    async with world(ODMR, tls=True) as made:
        await made.play(
            """
            S 220 mx.example.org ESMTP Postel
            C EHLO customer.example.net
            S 250-mx.example.org
            S 250-ENHANCEDSTATUSCODES
            S 250-STARTTLS
            S 250-ATRN
            S 250 HELP
            C ATRN
            S 530 5.7.0 Authentication required
            C MAIL FROM:<ann@example.org>
            S 502 5.5.1 ...
            C VRFY ann
            S 502 5.5.1 ...
            C DATA
            S 502 5.5.1 ...
            C QUIT
            S 221 2.0.0 ...
            """
        )


async def test_who_only_guesses_at_names_is_answered_alike() -> None:
    async with world() as made:
        await made.play(
            """
            S 220 ...
            C VRFY ann
            S 252 2.0.0 ...
            C VRFY nobody
            S 252 2.0.0 ...
            C EXPN sales
            S 252 2.0.0 ...
            """
        )


async def test_names_that_are_trusted_to_the_network_are_announced_and_told() -> None:
    inside = Audience((ip_network("192.0.2.0/24"),))
    async with world(replace(SMTP, commands=CommandOptions(verify=inside))) as made:
        await made.play(
            """
            S 220 ...
            C VRFY nobody
            S 550 5.1.1 ...
            C EXPN mixed
            S 250-2.1.5 <ann@example.org>
            S 250 2.1.5 <kitt@free.example>
            C VRFY ann.alias@example.org
            S 250 2.1.5 <ann.alias@example.org>
            C VRFY <>
            S 550 5.1.1 ...
            C VRFY kitt@free.example
            S 551 5.1.6 User not local; please try <kitt@free.example>
            C VRFY x@backup.example
            S 252 2.1.5 ...
            C HELP EXPN
            S 214-2.0.0 EXPN list
            S 214 2.0.0 RFC 5321 4.1.1.7
            """
        )


@pytest.mark.parametrize(
    "command", ["ETRN example.org", "SEND FROM:<a@example.net>", "VERB", "ONEX", "TURN", "ATRN"]
)
async def test_by_default_none_of_it_is_there(command: str) -> None:
    async with world() as made:
        await made.play(f"S 220 ...\nC HELO client.example.net\nS 250 ...\nC {command}\nS 502 5.5.1 ...")
