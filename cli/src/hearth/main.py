"""The `hearth` command."""

from __future__ import annotations

import sys

import typer

from chassis.embedded.process import EmbeddedError
from hearth.client import ClientError
from hearth.doctor import doctor
from hearth.importing import app as imports
from hearth.operations import dlq, events, outbox
from hearth.pulse import pulse
from hearth.stack import down, up
from hearth.terminal import console
from hearth.webhooks import app as webhooks

app = typer.Typer(
    name="hearth",
    help="Hearth: run it locally, bring communities into it, see how they do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(down)
app.add_typer(imports, name="import")
app.command()(pulse)
app.command()(doctor)
app.add_typer(outbox)
app.add_typer(dlq)
app.add_typer(events)
app.add_typer(webhooks)


def main() -> None:
    """Run the command; what goes wrong is said in one line on stderr, with exit code 1."""
    try:
        app()
    except (ClientError, EmbeddedError) as error:
        console(stderr=True).print(f"hearth: {error}", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
