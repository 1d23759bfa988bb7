"""`hearth import`: brings what a community said elsewhere into Hearth, through the gateway like any other client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chassis import clock
from hearth.client import DEFAULT_DATA, ApiError, BaseUrlOption, Client, ClientError, DataOption
from hearth.intake import Advance, Intake, Item, Summary, item_of
from hearth.member_files import import_members
from hearth.slack.archive import ExportError, Rejected
from hearth.slack.export import Export, Member, Message
from hearth.slack.messages import Attachment, Reaction
from hearth.slack.text import rfc3339

SOURCE: Final = "slack"
CONFLICT: Final = 409
SHOWN_REJECTIONS: Final = 20

app = typer.Typer(help="Import a community from elsewhere.", no_args_is_help=True)


@app.callback()
def importing() -> None:
    """Import a community from elsewhere."""


app.command("members")(import_members)


@app.command("slack")
def import_slack(  # noqa: PLR0917 - one parameter per option
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.zip", help="A Slack workspace export.", exists=True, dir_okay=False, readable=True
        ),
    ],
    community: Annotated[str, typer.Option(metavar="SLUG", help="The community to import into.")],
    create: Annotated[bool, typer.Option("--create", help="Create the community if it is not there.")] = False,  # noqa: FBT002 - an option
    zone: Annotated[
        str | None, typer.Option(help="Time zone of a created community (IANA name); UTC if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,  # noqa: FBT002 - an option
    data: DataOption = DEFAULT_DATA,
    base_url: BaseUrlOption = None,
) -> None:
    """Import a Slack export: users become members, messages posts, threaded replies comments, at their original times.

    It can be broken off and run again at any point: what is there already is left as it is and counted as existing.
    Items that cannot be imported are listed, and the rest goes on.
    """
    messages = Console(stderr=True)
    if zone is not None and not _is_zone(zone):
        raise typer.BadParameter(f"{zone} is not a time zone such as Asia/Shanghai", param_hint="--zone")
    summary, failure = Summary(), None
    try:
        with Export(file, now=clock.now()) as export:
            summary.rejected, summary.skipped, summary.orphans = export.rejected, dict(export.skipped), export.orphans
            with Client.from_data(data, base_url) as client, _progress(export, messages) as progress:
                community_id = find_or_create(client, community, zone, create=create, tell=messages.print)
                intake = Intake(client, community_id, SOURCE, progress)
                intake.summary = summary
                bring(export, intake)
                _settle_figures(intake, messages)
    except ExportError as error:
        summary.rejected.append(Rejected(file.name, error.code, str(error)))
        failure = f"{file}: {error}"
    except ClientError as error:
        failure = str(error)
        if any(tally.created or tally.existing for tally in summary.tallies().values()):
            failure += "\nThe import stopped on the way. Run it again: what is there already stays as it is."
    if as_json:
        document = summary.document()
        typer.echo(
            json.dumps(document if failure is None else {**document, "error": failure}, ensure_ascii=False, indent=2)
        )
    elif failure is None:
        show(summary, Console())
    if failure is not None:
        raise ClientError(failure)


def find_or_create(client: Client, slug: str, zone: str | None, *, create: bool, tell: Callable[[str], Any]) -> str:
    """Return the id of the community of this slug, made if it is missing and `create`. Raises ApiError, ClientError."""
    found = client.find_community(slug)
    if found is None and create:
        name = slug.replace("-", " ").title()
        try:
            answer = client.post("/v1/communities", {"name": {"en": name}, "slug": slug, "zone": zone or "UTC"})
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            found = client.find_community(slug)  # somebody else made it a moment ago
        else:
            found = answer.body
    if found is None:
        raise ClientError(f"There is no community {slug}. Add --create to make it.")
    if zone is not None and found.get("zone") != zone:
        tell(f"{slug} keeps its time zone {found.get('zone')}; --zone is for a community that is created.")
    return str(found["id"])


def bring(export: Export, intake: Intake) -> None:
    """Bring everything of an export into a community, in the order that things depend on. Raises ApiError, ClientError."""
    intake.members(item_of(member.place, _member(member)) for member in export.members())
    intake.posts(_messages(export.posts(intake.accounts), intake, "published_at"))
    intake.comments(_messages(export.comments(intake.accounts), intake, "commented_at"))
    intake.reactions(_reactions(export.reactions(), intake))


def show(summary: Summary, console: Console) -> None:
    """Print a summary for people."""
    table = Table("", "created", "existing", title="Imported", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for kind, tally in summary.tallies().items():
        table.add_row(kind, f"{tally.created:,}", f"{tally.existing:,}")
    console.print(table)
    if summary.orphans:
        console.print(f"{summary.orphans:,} replies whose thread is not in the export became posts of their own.")
    if summary.skipped:
        skipped = ", ".join(f"{count:,} {name}" for name, count in sorted(summary.skipped.items()))
        console.print(f"Skipped: {skipped}.", markup=False)
    console.print(f"Rejected: {len(summary.rejected):,}.")
    for item in summary.rejected[:SHOWN_REJECTIONS]:
        console.print(f"  {item.place}  {item.code}: {item.detail}", markup=False, highlight=False)
    if len(summary.rejected) > SHOWN_REJECTIONS:
        console.print(f"  ... and {len(summary.rejected) - SHOWN_REJECTIONS:,} more; --json lists them all.")


@contextmanager
def _progress(export: Export, console: Console) -> Iterator[Advance]:
    """Show a progress bar on the terminal's error stream; nothing when that is no terminal."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {kind: bar.add_task(kind, total=total) for kind, total in asdict(export.counts).items()}
        yield lambda kind, count: bar.advance(tasks[kind], count)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _settle_figures(intake: Intake, messages: Console) -> None:
    try:
        intake.settle_figures()
    except ApiError as error:
        messages.print(
            f"Everything is stored; the figures are still catching up ({error}).", markup=False, highlight=False
        )


def _member(member: Member) -> dict[str, Any]:
    return {
        "external_id": member.external_id,
        "display_name": member.display_name,
        "bot": member.bot,
        "deleted": member.deleted,
        "joined_at": None if member.joined_at is None else rfc3339(member.joined_at),
    }


def _messages(messages: Iterator[Message], intake: Intake, time_field: str) -> Iterator[Item]:
    for message in messages:
        author = intake.accounts.get(message.author)
        if author is None:
            intake.reject(message.place, "author_rejected", f"its author {message.author} could not be imported")
            continue
        content = {
            "external_id": message.external_id,
            "post_external_id": message.post_external_id,
            "author_id": author,
            "body": message.body,
            time_field: rfc3339(message.said_at),
            # a section is one word
            "section": "-".join(message.section.split()) if message.post_external_id is None else None,
            "edited_at": None if message.edited_at is None else rfc3339(message.edited_at),
            "attachments": [_attachment(attachment) for attachment in message.attachments] or None,
        }
        yield item_of(message.place, content)


def _reactions(reactions: Iterator[Reaction], intake: Intake) -> Iterator[Item]:
    for reaction in reactions:
        author = intake.accounts.get(reaction.author)
        if author is None:
            intake.reject(reaction.place, "author_rejected", f"its author {reaction.author} could not be imported")
            continue
        content = {"subject_external_id": reaction.subject_external_id, "author_id": author, "emoji": reaction.emoji}
        yield item_of(reaction.place, content)


def _attachment(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "url": attachment.url,
    }
    return {name: value for name, value in fields.items() if value is not None}
