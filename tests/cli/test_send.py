import pytest
from cli_kit import CONFIG, Site

from postel.cli import sendmail_main

FRITO = ("send", "-f", "frito@drag.net")


@pytest.fixture
def site(site: Site) -> Site:
    site.add_account("frito@drag.net")
    return site


def content(site: Site, number: int = -1) -> bytes:
    queue_id = site.json("queue", "list")[number]["id"]
    return site.run("queue", "show", queue_id, "--content").stdout_bytes


def queued(site: Site) -> list[tuple[str, list[str]]]:
    return [
        (row["reverse_path"], [one["address"] for one in row["recipients"]])
        for row in site.json("queue", "list")
    ]


def test_a_message_is_queued_with_what_it_lacked(site: Site) -> None:
    assert site.ok(*FRITO, "kitt@free.org", stdin="Subject: hello\n\nHello!\n") == ""
    assert queued(site) == [("frito@drag.net", ["kitt@free.org"])]
    message = content(site)
    assert message.startswith(b"Received: from localhost ([127.0.0.1]) by mail.drag.net with ESMTP")
    assert b"\r\nFrom: <frito@drag.net>\r\nDate: " in message
    assert message.endswith(b"\r\nSubject: hello\r\n\r\nHello!\r\n")


def test_recipients_come_from_the_header_too(site: Site) -> None:
    letter = "To: Kitt <kitt@free.org>\nCc: frito\nBcc: bob@example.net\nSubject: x\n\n"
    site.ok(*FRITO, "-t", "ann@free.org", stdin=letter)
    ((_, recipients),) = queued(site)
    assert sorted(recipients) == ["ann@free.org", "bob@example.net", "frito@drag.net", "kitt@free.org"]
    assert b"bob@example.net" not in content(site)


def test_the_user_is_the_sender_at_our_first_domain(site: Site) -> None:
    site.ok("send", "-F", "Some Body", "kitt@free.org", stdin="\n")
    ((reverse_path, _),) = queued(site)
    assert reverse_path.endswith("@drag.net")
    assert f"From: Some Body <{reverse_path}>".encode() in content(site)


def test_reports_are_not_wanted_for_the_null_path(site: Site) -> None:
    site.ok("send", "-f", "<>", "kitt@free.org", stdin="\n")
    site.ok("send", "-f", "", "kitt@free.org", stdin="\n")
    assert queued(site) == [("", ["kitt@free.org"])] * 2


def test_a_refused_recipient_is_named_and_nothing_is_queued_for_it(site: Site) -> None:
    complaint = site.refused(*FRITO, "nobody@drag.net", "kitt@free.org", stdin="\n", status=67)
    assert complaint == "postel: nobody@drag.net: 550 5.1.1 No such mailbox here\n"
    assert queued(site) == [("frito@drag.net", ["kitt@free.org"])]
    site.refused(*FRITO, "nobody@drag.net", stdin="\n", status=67)
    assert len(queued(site)) == 1


def test_after_two_hyphens_an_address_is_never_an_option(site: Site) -> None:
    assert site.refused(*FRITO, "-i", "--", "-bs@drag.net", stdin="\n", status=67)


def test_a_dot_ends_the_message_unless_told_otherwise(site: Site) -> None:
    site.ok(*FRITO, "kitt@free.org", stdin="\none\n.\ntwo\n")
    site.ok(*FRITO, "-i", "kitt@free.org", stdin="\none\n.\ntwo\n")
    assert content(site, 0).endswith(b"\r\n\r\none\r\n")
    assert content(site, 1).endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n")


def test_verbose_tells_the_id(site: Site) -> None:
    told = site.ok(*FRITO, "-v", "kitt@free.org", stdin="\n")
    assert f"queued as {site.json('queue', 'list')[0]['id']}" in told


@pytest.mark.parametrize(
    ("arguments", "letter", "status"),
    [
        (["-z"], "", 64),
        ([], "\n", 64),
        (["-f", "a b", "kitt@free.org"], "\n", 64),
        (["-N", "nonsense", "kitt@free.org"], "\n", 64),
        (["-R", "nonsense", "kitt@free.org"], "\n", 64),
        (["-V", "ä", "kitt@free.org"], "\n", 64),
        (["-V", "+" * 34, "kitt@free.org"], "\n", 64),
        (["<"], "\n", 65),
        (["kitt@-"], "\n", 65),
        (["ki\x07tt@free.org"], "\n", 65),
        (["-t"], "Subject: x\n\n", 65),
        (["-t"], "To: kitt@free.org, <nonsense@@\n\n", 65),
    ],
)
def test_nonsense_has_its_own_exit_status(site: Site, arguments: list[str], letter: str, status: int) -> None:
    assert site.refused("send", *arguments, stdin=letter, status=status).count("\n") == 1
    assert queued(site) == []


def test_a_message_too_large_is_refused(site: Site) -> None:
    site.config.write_text(CONFIG + '[limits]\nmessage_size = "64 KiB"\n')
    assert "message_size" in site.refused(*FRITO, "kitt@free.org", stdin="x" * 70_000, status=69)


@pytest.mark.slow
def test_a_large_message_goes_whole(site: Site) -> None:
    body = b"".join(b"%07d. a line of the large body\r\n" % n for n in range(100_000))
    site.ok(*FRITO, "kitt@free.org", stdin=b"\n" + body)
    assert content(site).endswith(b"\r\n\r\n" + body)


def test_wishes_for_reports_arrive_in_the_queue(site: Site) -> None:
    site.ok(*FRITO, "-N", "success,failure", "-R", "hdrs", "-V", "order 4711+1", "kitt@free.org", stdin="\n")
    (entry,) = site.on_bench(lambda bench: bench.queue.list())
    assert dict(entry.message.parameters) == {"RET": "HDRS", "ENVID": "order+204711+2B1"}
    assert [dict(row.recipient.parameters) for row in entry.message.recipients] == [
        {"NOTIFY": "SUCCESS,FAILURE"}
    ]


def test_policy_in_python_is_asked_here_too(site: Site) -> None:
    (site.folder / "hooks.py").write_text(
        "from postel.hooks import Content, Verdict, refuse\n\n\n"
        "async def content(facts: Content) -> Verdict | None:\n"
        '    return refuse("554 5.7.0 Not this") if b"casino" in facts.head else None\n'
    )
    site.config.write_text(CONFIG + '[hooks]\nfiles = ["hooks.py"]\n')
    assert "Not this" in site.refused(*FRITO, "kitt@free.org", stdin="Subject: casino\n\n", status=77)
    site.ok(*FRITO, "kitt@free.org", stdin="Subject: hello\n\n")
    assert len(queued(site)) == 1


def test_a_configuration_with_mistakes_is_said_so(site: Site) -> None:
    site.config.write_text("nonsense")
    site.refused(*FRITO, "kitt@free.org", stdin="\n", status=78)
    site.refused("send", "-C", "/nowhere/postel.toml", "kitt@free.org", stdin="\n", status=78)


@pytest.mark.slow
def test_sendmails_other_modes(site: Site) -> None:
    site.ok("send", "-bi")
    assert site.ok("send", "-bp") == "The queue is empty.\n"
    site.queue("kitt@free.org")
    assert "kitt@free.org" in site.ok("send", "-bp")
    assert site.ok("send", "-q") == "1 recipient tried again now\n"
    assert "into the mailbox of frito@drag.net" in site.ok("send", "-bv", "frito")
    site.refused("send", "-bv", "nobody", status=67)


def test_help_is_for_people(site: Site) -> None:
    assert "-t" in site.ok("send", "--help")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("/usr/bin/mailq", [], "The queue is empty."),
        ("/usr/bin/newaliases", [], ""),
        ("/usr/sbin/sendmail", ["-bp"], "The queue is empty."),
        ("/usr/sbin/sendmail", ["--help"], "Usage: sendmail"),
    ],
)
def test_the_program_goes_by_its_name(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.setattr("sys.argv", [name, *arguments])
    monkeypatch.setenv("POSTEL_CONFIG", str(site.config))
    with pytest.raises(SystemExit) as end:
        sendmail_main()
    assert end.value.code == 0
    assert said in capsys.readouterr().out
