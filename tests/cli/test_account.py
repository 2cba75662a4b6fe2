import pytest
from cli_kit import CONFIG, Site

from postel.app import Bench
from postel.contents import keep
from postel.database import Transaction
from postel.directory import Account
from postel.mail import parse_mailbox
from postel.store import INBOX, MessageFacts


def verified(site: Site, address: str, password: str) -> object:
    return site.on_bench(lambda bench: bench.rooms.directory.verify(address, password, None))


def test_an_account_is_made_with_a_password_that_is_printed_alone(site: Site) -> None:
    result = site.run("account", "add", "frito@drag.net", "--generate")
    assert result.exit_code == 0
    assert result.stderr == "Made the account frito@drag.net.\n"
    assert isinstance(verified(site, "frito@drag.net", result.stdout.strip()), Account)


def test_the_password_comes_from_standard_input(site: Site) -> None:
    site.ok("account", "add", "frito@drag.net", "--password-stdin", stdin="correct horse\nmore\n")
    assert isinstance(verified(site, "frito@drag.net", "correct horse"), Account)


def test_the_password_is_asked_for_twice_and_never_shown(site: Site) -> None:
    result = site.run("account", "add", "frito@drag.net", stdin="correct horse\ncorrect horse\n")
    assert result.exit_code == 0
    assert result.stdout == "Made the account frito@drag.net.\n"
    assert "correct horse" not in result.output
    assert isinstance(verified(site, "frito@drag.net", "correct horse"), Account)


def test_two_different_answers_are_asked_for_again(site: Site) -> None:
    result = site.run("account", "add", "frito@drag.net", stdin="one\ntwo\nthree\nthree\n")
    assert result.exit_code == 0
    assert isinstance(verified(site, "frito@drag.net", "three"), Account)


def test_an_account_has_an_inbox_from_the_start(site: Site) -> None:
    site.add_account("frito@drag.net")

    async def work(bench: Bench) -> object:
        account = await bench.rooms.directory.find("frito@drag.net")
        assert account is not None
        return await bench.rooms.store.mailbox(account.id, INBOX)

    assert site.on_bench(work) is not None


def test_a_domain_that_is_not_ours_is_refused_with_what_to_do(site: Site) -> None:
    complaint = site.refused("account", "add", "kitt@free.org", "--generate")
    assert "free.org is not one of our domains (drag.net)" in complaint
    assert "[[domain]]" in complaint


def test_an_account_is_made_once(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert "has an account already" in site.refused("account", "add", "FRITO@drag.net", "--generate")


@pytest.mark.parametrize("password", ["\n", "", "a\x07b\n"])
def test_a_password_that_cannot_be_one_is_refused(site: Site, password: str) -> None:
    complaint = site.refused("account", "add", "frito@drag.net", "--password-stdin", stdin=password)
    assert complaint.startswith("postel: a password ")
    assert site.json("account", "list") == []


def test_wrong_usage_is_status_two(site: Site) -> None:
    site.refused("account", "add", "frito", "--generate", status=2)
    site.refused("account", "add", "frito@drag.net", "--generate", "--password-stdin", status=2)
    site.refused("account", "nonsense", status=2)


def test_an_alias_of_the_same_name_is_warned_of(site: Site) -> None:
    result = site.run("account", "add", "sales@drag.net", "--generate")
    assert result.exit_code == 0
    assert "postel explain sales@drag.net" in result.stderr


def test_accounts_are_listed_as_table_and_as_json(site: Site) -> None:
    site.add_account("kitt@drag.net")
    site.ok("account", "remove", "kitt@drag.net", "--yes")
    assert "There are no accounts" in site.ok("account", "list")
    site.add_account("frito@drag.net")
    (row,) = site.json("account", "list")
    assert (row["address"], row["messages"], row["size_bytes"]) == ("frito@drag.net", 0, 0)
    assert "frito@drag.net" in site.ok("account", "list")


def test_a_password_is_changed(site: Site) -> None:
    old = site.add_account("frito@drag.net")
    new = site.ok("account", "password", "frito@drag.net", "--generate").strip()
    assert verified(site, "frito@drag.net", old) is None
    assert isinstance(verified(site, "frito@drag.net", new), Account)


def test_what_is_not_there_is_said(site: Site) -> None:
    site.add_account("frito@drag.net")
    for command in (["password"], ["remove", "--yes"], ["secret", "set"], ["secret", "remove"]):
        assert "there is no account ann@drag.net" in site.refused("account", *command, "ann@drag.net")


def store_letter(site: Site, address: str) -> None:
    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(address)
        assert account is not None
        draft = bench.rooms.contents.draft()
        await draft.write(b"x" * 300_000)
        sealed = await draft.seal()

        async def append(tx: Transaction) -> None:
            facts = MessageFacts(
                content_id=await keep(tx, sealed, holders=0),
                content_size_bytes=sealed.size_bytes,
                internal_date_at=0.0,
            )
            await bench.rooms.store.append(tx, account.id, facts)

        await bench.rooms.database.write(append)

    site.on_bench(work)


def test_an_account_goes_with_its_mail(site: Site) -> None:
    site.add_account("frito@drag.net")
    store_letter(site, "frito@drag.net")
    assert site.json("account", "list")[0]["size_bytes"] == 300_000
    files = [path for path in (site.folder / "data" / "contents").rglob("*") if path.is_file()]
    assert len(files) == 1
    site.ok("account", "remove", "frito@drag.net", "--yes")
    assert site.json("account", "list") == []
    assert not files[0].exists()


def test_removing_asks_first(site: Site) -> None:
    site.add_account("frito@drag.net")
    result = site.run("account", "remove", "frito@drag.net", stdin="n\n")
    assert result.exit_code == 1
    assert "0 messages" in result.stderr
    site.ok("account", "remove", "frito@drag.net", stdin="y\n")


def test_a_shared_secret_is_set_and_removed(site: Site) -> None:
    site.add_account("frito@drag.net")
    result = site.run("account", "secret", "set", "frito@drag.net", "--generate")
    assert "apop = true" in result.stderr
    account = site.on_bench(lambda bench: bench.rooms.directory.find("frito@drag.net"))
    assert account == Account(1, parse_mailbox("frito@drag.net"), None, account.created_at if account else 0)
    assert site.json("account", "list")[0]["has_secret"]
    site.ok("account", "secret", "remove", "frito@drag.net")
    assert "has no shared secret" in site.refused("account", "secret", "remove", "frito@drag.net")
    site.refused("account", "secret", "set", "frito@drag.net", "--password-stdin", stdin=" \n")


def test_a_mechanism_that_needs_the_secret_is_enough_to_use_it(site: Site) -> None:
    site.config.write_text(CONFIG + '\n[login]\nmechanisms = ["CRAM-MD5", "PLAIN"]\n')
    site.add_account("frito@drag.net")
    assert "Note" not in site.run("account", "secret", "set", "frito@drag.net", "--generate").stderr


def test_without_a_data_directory_one_is_told_what_to_do(site: Site) -> None:
    assert "there is no data directory" in site.refused("account", "list")
    assert not (site.folder / "data").exists()


def test_mistakes_of_the_configuration_are_said_with_their_line(site: Site) -> None:
    site.config.write_text(CONFIG + "[nonsense]\n")
    assert "postel.toml:11: nonsense" in site.refused("account", "list")


def test_an_account_may_store_so_much(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert site.ok("account", "quota", "frito@drag.net") == (
        "frito@drag.net stores 0 B of as much as there is room for.\n"
    )
    assert site.ok("account", "quota", "frito@drag.net", "2 GB") == "frito@drag.net may store 2.0 GB now.\n"
    assert site.json("account", "list")[0]["quota_bytes"] == 2_000_000_000
    assert "2.0 GB" in site.ok("account", "list")
    assert "of 2.0 GB" in site.ok("account", "quota", "frito@drag.net")
    site.ok("account", "quota", "frito@drag.net", "none")
    assert site.json("account", "list")[0]["quota_bytes"] is None
    assert site.run("account", "quota", "frito@drag.net", "much").exit_code == 2
    assert "2 messages now" in site.ok("account", "quota", "frito@drag.net", "--messages", "2")
    assert site.ok("account", "quota", "frito@drag.net").endswith("and has 0 of 2 messages.\n")
    assert site.json("account", "list")[0]["quota_messages"] == 2
    assert "any number" in site.ok("account", "quota", "frito@drag.net", "--messages", "none")
    assert site.run("account", "quota", "frito@drag.net", "--messages", "many").exit_code == 2
    assert "no account" in site.refused("account", "quota", "nobody@drag.net", "1 MB")
