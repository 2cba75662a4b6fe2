"""Make the generated pages of docs/reference/ anew: `python docs/generate.py`.

With `--check` nothing is written; the pages that are out of date are named, and the exit status is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from generators.commands import commands_page  # noqa: E402
from generators.events import events_page  # noqa: E402
from generators.imap import imap_page  # noqa: E402
from generators.library import hooks_page, testing_page  # noqa: E402
from generators.limits import limits_page  # noqa: E402
from generators.protocols import pop3_page, replies_page, smtp_page  # noqa: E402
from generators.rfcs import rfc_page  # noqa: E402

from postel.config import settings_reference  # noqa: E402

PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_reference,
    "commands.md": commands_page,
    "events.md": events_page,
    "replies.md": replies_page,
    "smtp.md": smtp_page,
    "imap.md": imap_page,
    "pop3.md": pop3_page,
    "limits.md": limits_page,
    "hooks.md": hooks_page,
    "testing.md": testing_page,
    "rfc.md": rfc_page,
}
REFERENCE = DOCS / "reference"


def outdated() -> list[Path]:
    """The pages that are not as the program would have them."""
    paths = {REFERENCE / name: make for name, make in PAGES.items()}
    return [path for path, make in paths.items() if not path.exists() or path.read_text("utf-8") != make()]


def write() -> list[Path]:
    """Write the pages that are out of date."""
    changed = outdated()
    REFERENCE.mkdir(exist_ok=True)
    for path in changed:
        path.write_text(PAGES[path.name](), "utf-8")
    return changed


def main(arguments: list[str]) -> int:
    """The exit status."""
    is_check = arguments == ["--check"]
    for path in outdated() if is_check else write():
        print(f"{path}: {'out of date; run python docs/generate.py' if is_check else 'written'}")
    return 1 if is_check and outdated() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
