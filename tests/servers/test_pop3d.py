"""The POP3 service: login, maildrop, update, and every way a session can end."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pop3_world import SERVER, World, trusting, world
from smtp_world import PASSWORD

from postel.contents import ContentMissing
from postel.database import DatabaseTrouble
from postel.net import ConnectionLost
from postel.proto.pop3 import Pop3Limits
from postel.servers import AdmissionOptions, Pop3Service, Pop3ServiceOptions
from postel.servers.pop3d_maildrop import open_maildrop
from postel.store import Maildrop, StoredMessage
from postel.testing.transcript.players import AtOnce, Bytewise
from postel.tls import ClientTls, start_client

ONE = b"Subject: one\r\n\r\nfirst\r\n.second\r\n"
TWO = b"Subject: two\r\n\r\n"
LOGIN = f"""
    S +OK ...
    C USER kitt@example.org
    S +OK ...
    C PASS {PASSWORD}
    S +OK ..."""
PLAIN = "AGtpdHRAZXhhbXBsZS5vcmcAY29ycmVjdCBob3JzZQ=="  # \0kitt@example.org\0correct horse


async def test_kitt_reads_two_letters_and_deletes_one() -> None:
    async with world() as w:
        await w.put(ONE, TWO)
        await w.play(f"""{LOGIN}
            C STAT
            S +OK 2 {len(ONE + TWO)}
            C LIST
            S +OK ...
            S 1 {len(ONE)}
            S 2 {len(TWO)}
            S .
            C UIDL
            S +OK ...
            S 1 $first
            S 2 $second
            S .
            C RETR 1
            S +OK {len(ONE)} octets
            S Subject: one
            S
            S first
            S ..second
            S .
            C TOP 1 1
            S +OK ...
            S Subject: one
            S
            S first
            S .
            C DELE 1
            S +OK ...
            C QUIT
            S +OK ...
            close server
        """)
        assert await w.uids() == [2]


@pytest.mark.parametrize("player", [Bytewise(), AtOnce()], ids=lambda player: player.name)
async def test_however_the_octets_come_the_session_is_the_same(player: Bytewise) -> None:
    async with world() as w:
        await w.put(ONE)
        await w.play(
            f"""
            S +OK ...
            C USER kitt@example.org
            C PASS {PASSWORD}
            C RETR 1
            C DELE 1
            C QUIT
            S +OK ...
            S +OK ...
            S +OK ...
            S Subject: one
            S
            S first
            S ..second
            S .
            S +OK ...
            S +OK ...
            close server
        """,
            cut=player.cut,
        )
        assert await w.uids() == []


async def test_an_account_to_which_nothing_ever_came_has_an_empty_maildrop() -> None:
    async with world() as w:
        await w.play(f"""{LOGIN}
            C STAT
            S +OK 0 0
            C QUIT
            S +OK ...
            close server
        """)


@pytest.mark.parametrize("end", ["close client", "C| QUI\nclose client", "silence\nclose server"])
async def test_without_quit_nothing_is_removed_and_the_maildrop_is_free(end: str) -> None:
    async with world() as w:
        await w.put(ONE)
        await w.play(f"""{LOGIN}
            C DELE 1
            S +OK ...
            {end}
        """)
        await asyncio.sleep(0.01)
        assert await w.uids() == [1]
        lock = await w.parts.locks.acquire(w.kitt.id)
        assert lock is not None
        await w.parts.locks.release(lock)


async def test_a_cut_connection_removes_nothing() -> None:
    async with world() as w:
        await w.put(ONE)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nDELE 1\r\n".encode())
        await asyncio.sleep(0.1)
        stream.abort()
        await asyncio.sleep(0.1)
        assert await w.uids() == [1]
        assert w.service.sessions == 0


async def test_the_second_session_is_told_that_the_first_has_the_maildrop() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode())
        await asyncio.sleep(0.1)
        await w.play(f"""
            S +OK ...
            C USER kitt@example.org
            S +OK ...
            C PASS {PASSWORD}
            S -ERR [IN-USE] Another session has this maildrop open
            C QUIT
            S +OK ...
        """)
        await stream.close()
        await asyncio.sleep(0.1)
        await w.play(LOGIN)


async def test_a_client_that_comes_back_at_once_waits_for_its_old_session_to_end() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode())
        await asyncio.sleep(0.1)
        second = asyncio.create_task(w.play(LOGIN))
        await asyncio.sleep(0.5)
        await stream.close()
        await second


async def test_noop_keeps_a_session_alive_and_silence_ends_it() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode())
        for _ in range(5):
            await asyncio.sleep(500)
            await stream.write(b"NOOP\r\n")
        await asyncio.sleep(599)
        assert w.service.sessions == 1
        await asyncio.sleep(2)
        assert w.service.sessions == 0
        heard = b""
        while data := await stream.read(1):
            heard += data
        greeting, user, password, *noops = heard.split(b"\r\n")[:-1]
        assert [line[:3] for line in (greeting, user, password, *noops)] == [b"+OK"] * 8


# --- logging in --------------------------------------------------------------------------------------------


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer() -> None:
    async with world() as w:
        await w.play("""
            S +OK ...
            C USER kitt@example.org
            S +OK ...
            C PASS wrong
            S -ERR [AUTH] Name or password is wrong
            C USER nobody@example.org
            S +OK ...
            C PASS wrong
            S -ERR [AUTH] Name or password is wrong
        """)


async def test_who_guesses_is_slowed_down() -> None:
    limits = Pop3Limits(failed_logins_before_close=1000, commands_before_login=1000)
    async with world(trusting(limits=limits)) as w:
        stream = await w.dial()
        for number in range(100):
            await stream.write(f"USER kitt@example.org\r\nPASS {number}\r\n".encode())
        await asyncio.sleep(1)
        heard = b""
        while heard.count(b"-ERR") != 100:
            heard += await stream.read(1)
        assert b"-ERR [SYS/TEMP]" in heard


async def test_sasl_plain_with_and_without_initial_response() -> None:
    async with world() as w:
        await w.play("""
            S +OK ...
            C AUTH PLAIN
            S +...
            C *
            S -ERR Login cancelled
            C AUTH PLAIN AGtpdHQAbm8=
            S -ERR [AUTH] ...
            C AUTH PLAIN AAA=
            S -ERR ...
            C AUTH LOGIN
            S + VXNlcm5hbWU6
            C a2l0dEBleGFtcGxlLm9yZw==
            S + UGFzc3dvcmQ6
            C Y29ycmVjdCBob3JzZQ==
            S +OK ...
            C QUIT
            S +OK ...
        """)
        await w.play(f"""
            S +OK ...
            C AUTH PLAIN {PLAIN}
            S +OK ...
        """)


async def test_nobody_logs_in_as_somebody_else() -> None:
    async with world() as w:
        await w.play("""
            S +OK ...
            C AUTH PLAIN Ym9iQGV4YW1wbGUub3JnAGtpdHRAZXhhbXBsZS5vcmcAY29ycmVjdCBob3JzZQ==
            S -ERR [AUTH] ...
        """)


async def test_apop_works_for_accounts_with_a_shared_secret_only() -> None:
    async with world(trusting(offers_apop=True)) as w:
        await w.parts.directory.set_shared_secret(w.kitt.mailbox, "tanstaaf")
        for secret, answer in (("tanstaaf", b"+OK"), ("other", b"-ERR [AUTH]")):
            stream = await w.dial()
            greeting = (await stream.read(1)).decode()
            timestamp = greeting[greeting.index("<") : greeting.index(">") + 1]
            digest = hashlib.md5((timestamp + secret).encode()).hexdigest()
            await stream.write(f"APOP kitt@example.org {digest}\r\n".encode())
            assert (await stream.read(1)).startswith(answer)
            await stream.write(b"QUIT\r\n")
            await stream.close()


async def test_a_login_delay_is_announced_and_kept() -> None:
    async with world(trusting(login_delay_s=60)) as w:
        quit_after = "\nC QUIT\nS +OK ..."
        await w.play(LOGIN + quit_after)
        await w.play(f"""
            S +OK ...
            C USER kitt@example.org
            S +OK ...
            C PASS {PASSWORD}
            S -ERR [LOGIN-DELAY] ...
        """)
        await asyncio.sleep(61)
        await w.play(LOGIN + quit_after)


# --- TLS ---------------------------------------------------------------------------------------------------


async def test_without_tls_no_password_is_taken_by_default() -> None:
    async with world(Pop3ServiceOptions(hostname=trusting().hostname), tls=True) as w:
        await w.play(f"""
            S +OK ...
            C USER kitt@example.org
            S -ERR Start TLS first: no login in plaintext
            C AUTH PLAIN {PLAIN}
            S -ERR Start TLS first: no login in plaintext
            C STLS
            S +OK ...
            ...TLS
            C USER kitt@example.org
            S +OK ...
            C PASS {PASSWORD}
            S +OK ...
            C QUIT
            S +OK ...
        """)


async def test_plaintext_sent_along_with_stls_ends_the_session() -> None:
    async with world(tls=True) as w:
        await w.play("""
            S +OK ...
            C| STLS\\r\\nUSER injected\\r\\n
            S -ERR Plaintext after STLS
            close server
        """)


async def test_a_handshake_that_fails_ends_the_session() -> None:
    async with world(tls=True) as w:
        stream = await w.dial()
        await stream.write(b"STLS\r\n")
        await asyncio.sleep(0.1)
        await stream.write(b"this is no client hello\r\n")
        await asyncio.sleep(0.1)
        assert w.service.sessions == 0


async def test_pop3s_speaks_tls_from_the_first_octet() -> None:
    async with world(Pop3ServiceOptions(hostname=trusting().hostname, is_tls_implicit=True), tls=True) as w:
        await w.put(ONE)
        stream = await start_client(await w.dial(), ClientTls(verify=False), server_name=None, timeout_s=10)
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nRETR 1\r\nQUIT\r\n".encode())
        heard = b""
        while data := await stream.read(10):
            heard += data
        assert b"STLS" not in heard
        assert heard.endswith(b"\r\n.\r\n+OK Goodbye\r\n")
        await stream.close()


async def test_pop3s_with_a_client_that_speaks_no_tls() -> None:
    async with world(Pop3ServiceOptions(hostname=trusting().hostname, is_tls_implicit=True), tls=True) as w:
        stream = await w.dial()
        await stream.write(b"USER kitt\r\n")
        await asyncio.sleep(0.1)
        assert w.parts.admission.total == 0


def test_pop3s_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="certificate"):
        Pop3Service(Pop3ServiceOptions(hostname=trusting().hostname, is_tls_implicit=True), None, None)  # type: ignore[arg-type]


# --- trouble -----------------------------------------------------------------------------------------------


async def test_one_connection_too_many_is_turned_away() -> None:
    async with world(admission=AdmissionOptions(connections_per_address=1)) as w:
        stream = await w.dial()
        await w.play("""
            S -ERR [SYS/TEMP] Too many sessions, try again later
            close server
        """)
        await stream.close()


async def test_quit_says_so_when_the_database_cannot_remove_the_messages() -> None:
    async with world() as w:
        await w.put(ONE)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nDELE 1\r\n".encode())
        await asyncio.sleep(0.1)
        await stream.read(1)
        w.clock.advance(100)  # the lease ran out, and another process took the maildrop
        other = type(w.parts.locks)(w.parts.database, w.clock)
        assert await other.acquire(w.kitt.id) is not None
        await stream.write(b"QUIT\r\n")
        assert await stream.read(1) == b"-ERR [SYS/TEMP] Deleted messages were not removed\r\n"
        assert await stream.read(1) == b""
        assert await w.uids() == [1]


async def test_a_message_that_was_expunged_meanwhile_is_no_such_message() -> None:
    async with world() as w:
        await w.put(ONE, TWO)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode())
        await asyncio.sleep(0.1)
        await stream.read(1)
        drop = await w.parts.store.maildrop(w.kitt.id)
        await w.parts.database.write(lambda tx: w.parts.store.expunge(tx, drop.mailbox_id, [1]))
        await stream.write(b"RETR 1\r\nRETR 2\r\nQUIT\r\n")
        await asyncio.sleep(0.1)
        heard = await stream.read(1)
        assert heard.startswith(b"-ERR No such message\r\n+OK ")


async def test_lost_content_is_told_and_never_looks_whole() -> None:
    async with world() as w:
        await w.put(ONE)
        await w.parts.database.write(lambda tx: tx.execute("DELETE FROM content_data"))
        await w.play(f"""{LOGIN}
            C RETR 1
            S -ERR [SYS/PERM] ...
            C QUIT
            S +OK ...
        """)


async def test_trouble_with_the_database_at_the_login_is_temporary() -> None:
    async with world() as w:

        async def trouble(account_id: int) -> None:
            raise DatabaseTrouble("no space left", is_full=True)

        w.service.reload(trusting(), replace(w.parts, locks=_Troubled(trouble)), None)  # type: ignore[arg-type]
        await w.play(f"""
            S +OK ...
            C USER kitt@example.org
            S +OK ...
            C PASS {PASSWORD}
            S -ERR [SYS/TEMP] ...
        """)


class _Troubled:
    def __init__(self, acquire: object) -> None:
        self.acquire = acquire


async def test_a_mistake_of_ours_closes_the_session_and_frees_the_maildrop() -> None:
    async with world() as w:
        await w.put(ONE)
        w.service.reload(trusting(), replace(w.parts, store=_Broken()), None)  # type: ignore[arg-type]
        await w.play(f"""
            S +OK ...
            C USER kitt@example.org
            S +OK ...
            C PASS {PASSWORD}
            close server
        """)
        assert await w.parts.locks.acquire(w.kitt.id) is not None


class _Broken:
    async def maildrop(self, account_id: int) -> None:
        raise RuntimeError("a bug")


async def test_a_stop_ends_sessions_between_two_commands_and_removes_nothing() -> None:
    async with world() as w:
        await w.put(ONE)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nDELE 1\r\n".encode())
        await asyncio.sleep(0.1)
        await w.service.stop(5.0)
        await stream.read(1)
        assert await stream.read(1) == b""
        assert await w.uids() == [1]
        assert await w.parts.locks.acquire(w.kitt.id) is not None


async def test_a_client_that_does_not_read_is_cut_off_when_the_drain_time_is_over() -> None:
    async with world() as w:
        await w.put(b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" * 200_000)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode() + b"RETR 1\r\n" * 5)
        await asyncio.sleep(1)
        await w.service.stop(5.0)
        assert w.service.sessions == 0
        with pytest.raises(ConnectionLost):
            while await stream.read(1):
                pass


async def test_a_large_message_costs_little_memory_and_arrives_whole() -> None:
    content = b"Subject: large\r\n\r\n" + (b"." + b"x" * 76 + b"\r\n") * 20_000
    async with world() as w:
        await w.put(content)
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nRETR 1\r\nQUIT\r\n".encode())
        heard = bytearray()
        most = 0
        while data := await stream.read(100):
            heard += data
            most = max(most, len(data))
        assert content.replace(b"\r\n.", b"\r\n..") + b".\r\n" in heard
        await stream.close()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60) | st.just(list(range(1, 41))))
@settings(max_examples=25)
async def test_messages_are_the_same_in_whatever_order_they_are_taken(numbers: list[int]) -> None:
    sizes = [10, 3_000, 100_000, 200_000, 30_000]
    letters = [b"Subject: %d\r\n\r\n%b\r\n" % (n, b"x" * sizes[n % 5]) for n in range(40)]
    async with world() as w:
        await w.put(*letters)
        drop = await open_maildrop(w.parts, w.kitt, wait_s=0)
        for number in numbers:
            octets = b"".join([chunk async for chunk in drop.read(number)])
            assert octets == letters[number - 1]
        await drop.close()


async def test_many_sessions_at_once() -> None:
    async with world() as w:
        await w.put(ONE)
        results = await asyncio.gather(*(_try_to_read(w) for _ in range(20)))
        assert sum(results) >= 1
        assert await w.uids() == []


async def _try_to_read(w: World) -> bool:
    stream = await w.client.dial(SERVER, timeout_s=10)
    await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nDELE 1\r\nQUIT\r\n".encode())
    heard = b""
    while data := await stream.read(100):
        heard += data
    await stream.close()
    return b"Message deleted" in heard


async def test_content_that_breaks_off_closes_the_connection_without_the_last_dot() -> None:
    async with world() as w:
        await w.put(ONE)
        drop = await w.parts.store.maildrop(w.kitt.id)
        message = await w.parts.store.message(drop.mailbox_id, 1)
        w.service.reload(trusting(), replace(w.parts, store=_HalfStore(drop, message)), None)  # type: ignore[arg-type]
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\nRETR 1\r\nNOOP\r\n".encode())
        heard = b""
        while data := await stream.read(10):
            heard += data
        assert heard.endswith(b"octets\r\nSubject: one\r\n")
        await stream.close()
        assert await w.uids() == [1]


class _HalfStore:
    """Its disk fails in the middle of every message."""

    def __init__(self, drop: Maildrop, message: StoredMessage) -> None:
        self._drop, self._message = drop, message

    async def maildrop(self, account_id: int) -> Maildrop:
        return self._drop

    async def message(self, mailbox_id: int, uid: int) -> StoredMessage:
        return self._message

    async def small(self, mailbox_id: int, uids: list[int]) -> dict[int, bytes]:
        return {}

    async def read(self, message: StoredMessage) -> AsyncGenerator[bytes, None]:
        yield b"Subject: one\r\n"
        raise ContentMissing("the disk has gone")


async def test_sasl_with_the_database_gone_is_temporary() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(b"AUTH PLAIN\r\n")
        await asyncio.sleep(0.1)
        await w.parts.database.close()
        await stream.write(f"{PLAIN}\r\nUSER kitt@example.org\r\nPASS {PASSWORD}\r\nQUIT\r\n".encode())
        await asyncio.sleep(0.1)
        heard = await stream.read(1)
        assert heard.count(b"-ERR [SYS/TEMP] Trouble on our side") == 2
        await stream.close()


async def test_a_long_listing_goes_out_piece_by_piece() -> None:
    async with world() as w:
        for _ in range(300):
            await w.put(b"x\r\n")
        stream = await w.dial()
        await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode() + b"UIDL\r\n" * 60)
        heard = b""
        while heard.count(b"\r\n.\r\n") < 60:
            heard += await stream.read(10)
        assert heard.count(b"\r\n") == 3 + 60 * 302
        await stream.close()
