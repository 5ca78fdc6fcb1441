"""All commands, put together."""

from __future__ import annotations

import typer

from alertd import __version__
from alertd.cli.adoption import adopt_pack, confirm
from alertd.cli.adoption import status as status_of_rules
from alertd.cli.alerts_handle import alerts_app
from alertd.cli.audit import audit_app
from alertd.cli.backtest import backtest
from alertd.cli.calendars import calendar_app
from alertd.cli.called import called
from alertd.cli.check import check
from alertd.cli.clock import clock
from alertd.cli.coverage import show_coverage
from alertd.cli.daemon import run
from alertd.cli.data import data_app
from alertd.cli.demo import demo
from alertd.cli.evaluate import evaluate
from alertd.cli.explain import explain
from alertd.cli.forecast import forecast
from alertd.cli.keeping import backup, restore
from alertd.cli.kinds import sources_app
from alertd.cli.matrix import matrix
from alertd.cli.metrics import metrics
from alertd.cli.notify import notify_app
from alertd.cli.outbox import outbox_app
from alertd.cli.partners import partners_app
from alertd.cli.people import people_app
from alertd.cli.precision import show_precision
from alertd.cli.probe import probe
from alertd.cli.receive import receive_app
from alertd.cli.reference import reference
from alertd.cli.retention import retention
from alertd.cli.rules import rules_app
from alertd.cli.rules_diff import diff
from alertd.cli.rules_new import new, schema
from alertd.cli.silences import silences_app
from alertd.cli.simulate import simulate
from alertd.cli.status import status as show_status
from alertd.cli.subject_access import subject_access
from alertd.cli.subscriptions import subscriptions_app
from alertd.cli.sync import show_changes, sync
from alertd.cli.synth import synth
from alertd.cli.templates import templates_app
from alertd.cli.watchdog import watchdog
from alertd.cli.web import web_app

app = typer.Typer(
    name="alertd",
    help="Reads children's services case data and tells people what is due, by when, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(run)
app.command()(check)
app.command("status")(show_status)
app.command()(watchdog)
app.command()(metrics)
app.command()(backup)
app.command()(restore)
app.command()(retention)
app.command()(subject_access)
app.add_typer(outbox_app, name="outbox")
app.add_typer(notify_app, name="notify")
app.add_typer(receive_app, name="receive")
app.add_typer(partners_app, name="partners")
app.add_typer(web_app, name="web")
app.command()(evaluate)
app.command()(explain)
app.command()(forecast)
rules_app.command("diff")(diff)
rules_app.command("new")(new)
rules_app.command("schema")(schema)
rules_app.command("adopt")(adopt_pack)
rules_app.command("confirm")(confirm)
rules_app.command("status")(status_of_rules)
rules_app.command("coverage")(show_coverage)
rules_app.command("backtest")(backtest)
rules_app.command("precision")(show_precision)
app.add_typer(rules_app, name="rules")
app.add_typer(alerts_app, name="alerts")
app.add_typer(silences_app, name="silences")
app.add_typer(audit_app, name="audit")
sources_app.command("probe")(probe)
sources_app.command("matrix")(matrix)
sources_app.command("sync")(sync)
sources_app.command("changes")(show_changes)
app.add_typer(sources_app, name="sources")
app.add_typer(data_app, name="data")
app.add_typer(subscriptions_app, name="subscriptions")
app.add_typer(calendar_app, name="calendar")
app.add_typer(people_app, name="people")
app.add_typer(templates_app, name="templates")
app.command()(clock)
app.command()(synth)
app.command()(simulate)
app.command()(reference)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alertd {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that come before the command."""


def run_command() -> int:
    """Run the command the arguments ask for; its exit code."""
    return called(app)
