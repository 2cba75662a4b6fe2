"""aioimaplib does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password."""

import asyncio
import email
import re
import ssl
import sys

import aioimaplib

port, authority, user, password = sys.argv[1:]


async def login() -> aioimaplib.IMAP4_SSL:
    """A session of its own, with INBOX open."""
    context = ssl.create_default_context(cafile=authority)
    client = aioimaplib.IMAP4_SSL("localhost", int(port), timeout=60, ssl_context=context)
    await client.wait_hello_from_server()
    ok(await client.login(user, password))
    ok(await client.select("INBOX"))
    return client


def ok(answer: aioimaplib.Response) -> list[bytes]:
    """The lines of an answer that must be good."""
    assert answer.result == "OK", answer
    return list(answer.lines)


async def uids(client: aioimaplib.IMAP4_SSL, subject: str) -> str:
    """Of letters with this subject."""
    return ok(await client.uid_search("SUBJECT", subject))[0].decode()


async def main() -> None:
    """The job."""
    client = await login()
    ok(await client.create("Kept"))
    ok(await client.append(b"Subject: written\r\n\r\nabout written\r\n", "Kept", "\\Seen"))
    fetched = ok(await client.fetch("1:*", "(UID FLAGS BODY.PEEK[])"))
    letters = [email.message_from_bytes(bytes(line)) for line in fetched if isinstance(line, bytearray)]
    for letter in letters:
        print("subject:", letter["Subject"])
    print("text:", letters[-1].get_payload(), end="")
    two = await uids(client, "two")
    ok(await client.uid("store", two, "+FLAGS (\\Flagged)"))
    ok(await client.uid("copy", two, "Kept"))
    ok(await client.uid("store", await uids(client, "one"), "+FLAGS.SILENT (\\Deleted)"))
    ok(await client.expunge())
    (status, *_) = ok(await client.status("INBOX", "(MESSAGES UNSEEN)"))
    print("left:", re.search(rb"MESSAGES (\d+)", status)[1].decode())
    await hear(client)
    await client.logout()


async def hear(client: aioimaplib.IMAP4_SSL) -> None:
    """A letter that comes and goes while the client idles."""
    idling = await client.idle_start(timeout=60)
    other = await login()
    ok(await other.append(b"Subject: news\r\n\r\nabout news\r\n"))
    ok(await other.uid("store", await uids(other, "news"), "+FLAGS (\\Deleted)"))
    ok(await other.expunge())
    heard: list[bytes] = []
    while not any(b"EXPUNGE" in line for line in heard):
        heard += await client.wait_server_push(60)
    client.idle_done()
    await asyncio.wait_for(idling, 60)
    await other.logout()
    print("heard:", next(int(line.split()[0]) for line in heard if b"EXISTS" in line))


asyncio.run(main())
