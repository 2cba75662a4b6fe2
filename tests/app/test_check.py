from pathlib import Path

import pytest

from postel.app import check_whole
from postel.config import Findings, parse
from postel.tls import self_signed

GOOD = 'hostname = "mail.drag.net"\n[[listen]]\naddress = "127.0.0.1:2525"\n[[domain]]\nname = "drag.net"\n'


def findings(text: str, directory: Path = Path("/nowhere")) -> Findings:
    return check_whole(parse(text, file="postel.toml", directory=directory, environment={}))


def test_a_good_configuration_has_nothing_to_say() -> None:
    assert findings(GOOD) == Findings((), ())


@pytest.mark.parametrize(
    "rule",
    [
        'networks = ["0.0.0.0/0"]',
        'networks = ["::/0"]',
        'networks = ["0.0.0.0/1", "128.0.0.0/1"]',
        'networks = ["12.0.0.0/7"]',
        'domains = [".org"]',
        'domains = ["org"]',
    ],
)
def test_no_open_relay_goes_without_a_warning(rule: str) -> None:
    (warning, *_) = findings(f"{GOOD}[relay]\n{rule}\n").warnings
    assert "open relay" in warning.text
    assert warning.line == 7


def test_a_broken_certificate_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    (tmp_path / "key.pem").write_text("nonsense")
    tls = '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'
    assert findings(GOOD + tls, tmp_path).mistakes[0].line == 7


def test_a_certificate_for_another_name_is_warned_of(tmp_path: Path) -> None:
    certificate, key = self_signed("other.example", tmp_path, 1.9e9)
    tls = f'[tls]\ncertificate = "{certificate.name}"\nkey = "{key.name}"\n'
    assert "other.example" in findings(GOOD + tls, tmp_path).warnings[0].text


def test_a_hook_file_that_cannot_be_used_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text("def rcpt(facts):\n    return None\n")
    (mistake,) = findings(GOOD + '[hooks]\nfiles = ["hooks.py"]\n', tmp_path).mistakes
    assert "hooks.py" in mistake.text
    assert mistake.line == 7


@pytest.mark.parametrize("data", ["a-file", "a-file/below"])
def test_data_that_is_no_directory_is_a_mistake(tmp_path: Path, data: str) -> None:
    (tmp_path / "a-file").touch()
    (mistake,) = findings(f'data = "{data}"\n' + GOOD, tmp_path).mistakes
    assert (mistake.line, mistake.text) == (1, f"{tmp_path}/a-file is not a directory; name one as data")


def test_root_is_told_of_a_user_who_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'user = "no-such-user-here"\n' + GOOD
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (mistake,) = findings(text, tmp_path).mistakes
    assert (mistake.line, mistake.text.partition(";")[0]) == (1, "there is no user no-such-user-here")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not findings(text, tmp_path).mistakes
