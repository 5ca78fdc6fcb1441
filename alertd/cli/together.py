"""All commands, put together. Of their modules only those are loaded that the first word asks for: a daemon stays for
months and holds nothing of the others, and whoever asks for the version need not wait two seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any, Final

import typer

from alertd import __version__
from alertd.cli.called import called

_COMMANDS: Final = {
    "demo": "demo.demo",
    "run": "daemon.run",
    "check": "check.check",
    "status": "status.status",
    "watchdog": "watchdog.watchdog",
    "metrics": "metrics.metrics",
    "backup": "keeping.backup",
    "restore": "keeping.restore",
    "retention": "retention.retention",
    "subject-access": "subject_access.subject_access",
    "evaluate": "evaluate.evaluate",
    "explain": "explain.explain",
    "forecast": "forecast.forecast",
    "clock": "clock.clock",
    "synth": "synth.synth",
    "simulate": "simulate.simulate",
    "reference": "reference.reference",
    "outbox": "outbox.outbox_app",
    "notify": "notify.notify_app",
    "receive": "receive.receive_app",
    "partners": "partners.partners_app",
    "web": "web.web_app",
    "rules": "rules.rules_app",
    "alerts": "alerts_handle.alerts_app",
    "silences": "silences.silences_app",
    "audit": "audit.audit_app",
    "sources": "kinds.sources_app",
    "data": "data.data_app",
    "subscriptions": "subscriptions.subscriptions_app",
    "calendar": "calendars.calendar_app",
    "people": "people.people_app",
    "templates": "templates.templates_app",
}
"""By its name, where in this package each command stands, or each group of them."""

_FURTHER: Final = {
    "rules": {
        "diff": "rules_diff.diff",
        "new": "rules_new.new",
        "schema": "rules_new.schema",
        "adopt": "adoption.adopt_pack",
        "confirm": "adoption.confirm",
        "status": "adoption.status",
        "coverage": "coverage.show_coverage",
        "backtest": "backtest.backtest",
        "precision": "precision.show_precision",
    },
    "sources": {
        "probe": "probe.probe",
        "matrix": "matrix.matrix",
        "sync": "sync.sync",
        "changes": "sync.show_changes",
    },
}
"""Commands of a group that stand in modules of their own."""


def _found(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"alertd.cli.{module}"), name)


@cache
def _command(name: str) -> typer.Typer | Callable[..., Any]:
    """A command; or a group with all its commands, each added once."""
    found: typer.Typer | Callable[..., Any] = _found(_COMMANDS[name])
    if isinstance(found, typer.Typer):
        for further, place in _FURTHER.get(name, {}).items():
            found.command(further)(_found(place))
    return found


def put_together(names: Iterable[str] = tuple(_COMMANDS)) -> typer.Typer:
    """These commands, with the options that come before them."""
    app = typer.Typer(
        name="alertd",
        help="Reads children's services case data and tells people what is due, by when, and why.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name in names:
        found = _command(name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alertd {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that come before the command."""


def run_command() -> int:
    """Run the command the arguments ask for; its exit code."""
    first = next(iter(sys.argv[1:]), "")
    if first in _COMMANDS:
        return called(put_together([first]))
    return called(put_together(() if first == "--version" else _COMMANDS))
