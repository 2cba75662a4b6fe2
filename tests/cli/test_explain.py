import pytest
from cli_kit import CONFIG, Site

ROUTES = '[route]\n"free.org" = "smtp:[127.0.0.9]:2525"\n"gone.example" = "error:550 5.7.1 Gone"\n'


@pytest.fixture
def site(site: Site) -> Site:
    site.config.write_text(CONFIG + '[relay]\nnetworks = ["192.0.2.0/24"]\n' + ROUTES)
    return site


def test_an_account_is_explained_with_its_places_in_the_configuration(site: Site) -> None:
    site.add_account("frito@drag.net")
    told = site.ok("explain", "frito@drag.net")
    assert f"drag.net is a domain of ours  ({site.config}:6)" in told
    assert "so: into the mailbox of frito@drag.net" in told
    assert "RCPT TO:<frito@drag.net>  ->  250 2.1.5" in told


def test_an_alias_is_followed_to_the_next_hop(site: Site) -> None:
    site.add_account("frito@drag.net")
    told = site.ok("explain", "sales@drag.net")
    assert "Next hops for kitt@free.org" in told
    assert "127.0.0.9" in told
    assert "TLS when it is offered" in told


def test_who_may_not_relay_is_refused(site: Site) -> None:
    assert "550 5.7.1 We do not relay for you" in site.run("explain", "kitt@free.org").stdout
    assert site.run("explain", "kitt@free.org").exit_code == 1
    assert site.run("explain", "kitt@free.org", "--client", "198.51.100.1").exit_code == 1
    told = site.ok("explain", "kitt@free.org", "--client", "192.0.2.7", "--from", "ann@free.org")
    assert "MAIL FROM:<ann@free.org>  ->  250" in told
    assert "192.0.2.0/24" in told
    site.ok("explain", "kitt@free.org", "--login")


def test_an_unknown_recipient_and_a_route_that_refuses_are_refused(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert "neither alias nor account" in site.run("explain", "nobody@drag.net").stdout
    refused = site.run("explain", "x@gone.example", "--login")
    assert (refused.exit_code, "5.7.1 Gone" in refused.stdout) == (1, True)


def test_programs_get_json(site: Site) -> None:
    site.add_account("frito@drag.net")
    told = site.json("explain", "sales@drag.net", "--from", "ann@free.org")
    assert (told["accepted"], told["reverse_path"], told["lane"]) == (True, "ann@free.org", "local")
    assert told["onward"][0]["hosts"][0]["addresses"] == ["127.0.0.9"]


def test_nonsense_is_wrong_usage(site: Site) -> None:
    site.refused("explain", "frito", status=2)
    site.refused("explain", "frito@drag.net", "--client", "here", status=2)
    site.refused("explain", "frito@drag.net", "--from", "here", status=2)


def test_it_works_before_there_is_anything_and_leaves_nothing(site: Site) -> None:
    assert "no account exists yet" in site.run("explain", "postmaster@drag.net").output
    assert site.run("explain", "frito@drag.net").exit_code == 1
    assert not (site.folder / "data").exists()
