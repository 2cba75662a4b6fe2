"""Who may go on with which interrupted transaction, spoken by hand (RFC 1845)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from postel.net import ConnectionLost, Endpoint
from postel.testing import MailNetwork, simulate
from postel.testing.mail_server import MailServer

NAME = "mx.example.org"
RULES = '[[domain]]\nname = "example.org"\n[checkpoint]\nspare = "0"\n'
MAIL = "MAIL FROM:<ann@example.net> TRANSID=<1@client.example.net>"


class Client:
    """Says lines, and hears replies."""

    def __init__(self, stream) -> None:  # type: ignore[no-untyped-def]
        self.stream = stream

    @classmethod
    async def connect(cls, net: MailNetwork, host: str, hello: str = "client.example.net") -> Client:
        ip = next(str(ip) for ip in net.internet.host(NAME).ips if ip.version == 4)
        client = cls(await net.internet.host(host).dial(Endpoint(ip, 25), timeout_s=1))
        await client.hear()
        assert "250-CHECKPOINT" in await client.say(f"EHLO {hello}")
        return client

    async def hear(self) -> str:
        heard = b""
        while not heard.endswith(b"\r\n") or heard.splitlines()[-1][3:4] == b"-":
            if not (data := await self.stream.read(60)):
                break
            heard += data
        return heard.decode()

    async def say(self, line: str) -> str:
        await self.stream.write(line.encode() + b"\r\n")
        return await self.hear()

    async def begin(self, mail: str = MAIL) -> None:
        assert (await self.say(mail)).startswith("250")
        assert (await self.say("RCPT TO:<bob@example.org>")).startswith("250")
        assert (await self.say("DATA")).startswith("354")

    async def break_off(self, content: bytes) -> None:
        await self.stream.write(content)
        await asyncio.sleep(0.1)
        self.stream.abort()
        await asyncio.sleep(0.1)


def run(main, directory: Path, rules: str = RULES) -> None:  # type: ignore[no-untyped-def]
    async def with_net() -> None:
        async with MailNetwork(contents=directory) as net:
            server = await net.start(NAME, rules, accounts=["bob@example.org"])
            for name in ("client.example.net", "other.example.net"):
                net.host(name)
            await main(net, server)

    simulate(with_net)


def test_a_transaction_goes_on_at_the_last_whole_line(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        client = await Client.connect(net, "client.example.net")
        await client.begin()
        await client.break_off(b"Subject: x\r\n\r\n..a dot\r\nhalf a li")
        client = await Client.connect(net, "client.example.net")
        assert await client.say(MAIL) == "355 22 is the transaction offset\r\n"
        assert (await client.say("RCPT TO:<bob@example.org>")).startswith("250")
        assert (await client.say("RCPT TO:<eve@example.org>")).startswith("503")
        assert (await client.say("DATA")).startswith("354 Go on at octet 22")
        assert (await client.say("half a line\r\n.")).startswith("250 2.0.0 queued")
        await net.settle()
        letter = (await server.mailbox("bob@example.org")).only()
        assert letter.content.endswith(b"Subject: x\r\n\r\n.a dot\r\nhalf a line\r\n")

    run(main, tmp_path)


def test_a_lost_reply_is_said_again_and_no_second_letter_comes(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        client = await Client.connect(net, "client.example.net")
        await client.begin()
        first = await client.say("Subject: x\r\n\r\nhello\r\n.")
        client.stream.abort()
        await asyncio.sleep(0.1)
        await server.restart()
        for _ in range(2):
            client = await Client.connect(net, "client.example.net")
            assert await client.say(MAIL) == "355 21 is the transaction offset\r\n"
            assert (await client.say("DATA")).startswith("354")
            assert await client.say(".") == first
            client.stream.abort()
            await asyncio.sleep(0.1)
        client = await Client.connect(net, "client.example.net")
        assert (await client.say(MAIL)).startswith("355")
        assert (await client.say("DATA")).startswith("354")
        assert (await client.say("more\r\n.")).startswith("554")
        assert (await client.say("QUIT")).startswith("221")
        await net.settle()
        assert len(await server.mailbox("bob@example.org")) == 1
        assert (await (await Client.connect(net, "client.example.net")).say(MAIL)).startswith("250")

    run(main, tmp_path)


def test_nobody_else_can_go_on_with_it(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        client = await Client.connect(net, "client.example.net")
        await client.begin()
        await client.break_off(b"Subject: secret\r\n\r\nline\r\n")
        stranger = await Client.connect(net, "other.example.net")
        assert (await stranger.say(MAIL)).startswith("250")  # another address
        alias = await Client.connect(net, "client.example.net", hello="alias.example.net")
        assert (await alias.say(MAIL)).startswith("250")  # another name
        assert (await alias.say("RSET")).startswith("250")
        client = await Client.connect(net, "client.example.net")
        assert (await client.say(MAIL)).startswith("355 19 ")

    run(main, tmp_path)


def test_another_envelope_is_another_transaction(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        client = await Client.connect(net, "client.example.net")
        await client.begin()
        await client.break_off(b"Subject: old\r\n\r\nline\r\n")
        client = await Client.connect(net, "client.example.net")
        await client.begin(MAIL.replace("ann", "eve"))
        assert (await client.say("Subject: new\r\n\r\n.")).startswith("250")
        await net.settle()
        assert (await server.mailbox("bob@example.org")).only().subject == "new"

    run(main, tmp_path)


def test_a_newer_connection_takes_the_transaction_over(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        older = await Client.connect(net, "client.example.net")
        await older.begin()
        await older.stream.write(b"Subject: x\r\nX-Half")
        await asyncio.sleep(0.1)
        newer = await Client.connect(net, "client.example.net")
        assert (await newer.say(MAIL)).startswith("355 12 ")
        with contextlib.suppress(ConnectionLost):
            assert await older.hear() == ""
        assert (await newer.say("DATA")).startswith("354")
        assert (await newer.say("\r\nhello\r\n.")).startswith("250")
        await net.settle()
        (await server.mailbox("bob@example.org")).only()

    run(main, tmp_path)


def test_a_recipient_that_is_gone_makes_it_begin_anew(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        await server.account("carol@example.org")
        client = await Client.connect(net, "client.example.net")
        assert (await client.say(MAIL)).startswith("250")
        for name in ("bob", "carol"):
            assert (await client.say(f"RCPT TO:<{name}@example.org>")).startswith("250")
        assert (await client.say("DATA")).startswith("354")
        await client.break_off(b"Subject: x\r\n\r\n")
        accounts = server.postel.rooms.directory
        carol = next(each for each in await accounts.list() if each.mailbox.local_part.text == "carol")
        await accounts.remove(carol.mailbox)
        client = await Client.connect(net, "client.example.net")
        assert (await client.say(MAIL)).startswith("250")
        assert (await client.say("RCPT TO:<carol@example.org>")).startswith("550")

    run(main, tmp_path)


def test_there_is_room_for_so_many_and_the_others_are_served_all_the_same(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        for number in range(5):
            client = await Client.connect(net, "client.example.net")
            await client.begin(MAIL.replace("<1@", f"<{number}@"))
            await client.break_off(b"Subject: x\r\n\r\n")
        files = [path for path in (tmp_path / NAME).rglob("*") if path.is_file()]
        assert len(files) == 2
        client = await Client.connect(net, "client.example.net")
        await client.begin(MAIL.replace("<1@", "<9@"))
        assert (await client.say("Subject: x\r\n\r\n.")).startswith("250")
        await net.settle()
        (await server.mailbox("bob@example.org")).only()

    run(main, tmp_path, RULES + "per_client = 2\n")


def test_abandoned_ones_never_hold_more_than_they_may(tmp_path: Path) -> None:
    async def main(net: MailNetwork, server: MailServer) -> None:
        for number in range(5):
            client = await Client.connect(net, "client.example.net")
            await client.begin(MAIL.replace("<1@", f"<{number}@"))
            await client.break_off(b"Subject: x\r\n\r\n" + b"x" * 60 + b"\r\n" * 700)
        sizes = [path.stat().st_size for path in (tmp_path / NAME).rglob("*") if path.is_file()]
        assert 0 < sum(sizes) <= 4000

    run(main, tmp_path, RULES + 'size = "4000"\n')
