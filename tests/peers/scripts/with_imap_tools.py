"""imap_tools does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password."""

import ssl
import sys
import threading

from imap_tools import AND, MailBox, MailMessageFlags

port, authority, user, password = sys.argv[1:]


def login() -> MailBox:
    """A session of its own."""
    box = MailBox("localhost", int(port), 60, ssl_context=ssl.create_default_context(cafile=authority))
    box.login(user, password)
    return box


with login() as box:
    box.folder.create("Kept")
    box.append(b"Subject: written\r\n\r\nabout written\r\n", "Kept", flag_set=MailMessageFlags.SEEN)
    for letter in box.fetch(mark_seen=False, bulk=True):
        print("subject:", letter.subject)
    (three,) = box.fetch(AND(subject="three"), mark_seen=False)
    print("text:", three.text.strip())
    print("size:", three.size_rfc822)
    (two,) = box.uids(AND(subject="two"))
    box.flag(two, MailMessageFlags.FLAGGED, True)
    box.copy(two, "Kept")
    box.delete(box.uids(AND(subject="one")))
    print("left:", box.folder.status("INBOX")["MESSAGES"])
    print("sorted:", *[letter.subject for letter in box.fetch(sort="REVERSE SUBJECT", mark_seen=False)])
    (moved,) = box.uids(AND(subject="three"))
    box.move(moved, "Archive")
    box.folder.set("Archive")
    box.move(box.uids(), "INBOX")
    box.folder.set("INBOX")
    box.idle.start()

    def write_one() -> None:
        """What the other session waits for."""
        with login() as other:
            other.append(b"Subject: news\r\n\r\nabout news\r\n", "Trash")
            other.append(b"Subject: news\r\n\r\nabout news\r\n", "INBOX")
            other.delete(other.uids(AND(subject="news")))

    writer = threading.Thread(target=write_one)
    writer.start()
    heard: list[bytes] = []
    while not any(b"EXPUNGE" in line for line in heard):
        heard += box.idle.poll(timeout=60)
    box.idle.stop()
    writer.join()
    print("heard:", next(int(line.split()[1]) for line in heard if b"EXISTS" in line))
