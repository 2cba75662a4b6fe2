"""`postel check`: every mistake of the configuration, with file, line and remedy."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from postel.app import check_whole
from postel.cli.context import Settings, as_json, pass_settings, show
from postel.config import BadConfig, Mistake, check_config, load


@click.command("check")
@as_json
@pass_settings
def check_command(settings: Settings, as_json: bool) -> None:
    """Say what is wrong with the configuration, and what is dangerous.

    \b
    postel --config /etc/postel/postel.toml check

    Exit status 1 when there is a mistake; warnings alone leave it 0.
    """
    path = settings.found()
    try:
        loaded = load(path, os.environ)
        findings = check_config(loaded)
        mistakes, warnings = list(findings.mistakes), list(findings.warnings)
        if not mistakes:
            whole = check_whole(loaded)
            mistakes += whole.mistakes
            warnings += whole.warnings
    except BadConfig as bad:
        mistakes, warnings = bad.mistakes, []
    if as_json:
        show([_row(m, "mistake") for m in mistakes] + [_row(w, "warning") for w in warnings], True)
    else:
        for mistake in mistakes:
            click.echo(str(mistake))
        for warning in warnings:
            click.echo(str(replace(warning, text=f"warning: {warning.text}")))
        if not mistakes:
            click.echo(f"{path}: no mistakes" + (f", {len(warnings)} to think about" if warnings else ""))
    sys.exit(1 if mistakes else 0)


def _row(mistake: Mistake, kind: str) -> dict[str, object]:
    return {"file": mistake.file, "line": mistake.line, "kind": kind, "text": mistake.text}
