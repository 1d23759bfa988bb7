"""`hearth import members`: brings a CSV or XLSX table of people into a community, with a dry run and a file of rejected rows."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hearth.client import DEFAULT_DATA, Answer, BaseUrlOption, Client, ClientError, DataOption

MOST_BYTES: Final = 16 * 2**20
PAUSE_SECONDS: Final = 0.5
RUNNING: Final = frozenset({"checking", "importing"})
SHOWN_REJECTIONS: Final = 20
MEDIA_TYPE: Final = "application/octet-stream"
WORDS: Final = {
    "create": "new people",
    "join": "known people who join",
    "change": "members who get tags",
    "keep": "members as they are",
    "reject": "rejected",
}


def import_members(  # noqa: PLR0913, PLR0917 - one parameter per option
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV or XLSX table.", exists=True, dir_okay=False, readable=True)
    ],
    community: Annotated[str, typer.Option(metavar="SLUG", help="The community to import into.")],
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="What a column holds, by its header or its number from 1: external_id, name, email, phone, tags, joined_at, "
            "locale, zone. Repeat it. Left out: what the headers seem to mean.",
        ),
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag for everybody in the file. Repeat it.")] = None,
    source: Annotated[
        str | None, typer.Option(help="The system whose ids these are; put before each external id.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="utf-8, utf-16, gb18030, gbk or big5; found by the content if left out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen to each row, and stop.")] = False,  # noqa: FBT002 - an option
    rejected: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the rejected rows here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,  # noqa: FBT002 - an option
    data: DataOption = DEFAULT_DATA,
    base_url: BaseUrlOption = None,
) -> None:
    """Import members from a CSV or XLSX file. Importing it again changes only what is new.

    Rows that cannot be taken are told with their reasons, and the rest goes on.
    """
    if file.stat().st_size > MOST_BYTES:
        raise ClientError(f"{file} is larger than {MOST_BYTES // 2**20} MiB: split it.")
    with Client.from_data(data, base_url) as client:
        url = f"/v1/communities/{client.get_community(community)['id']}/member-files"
        hints = {"filename": file.name[-200:], **({"encoding": encoding} if encoding else {})}
        found = client.upload(url, file.read_bytes(), MEDIA_TYPE, hints)
        place = f"{url}/{found.body['id']}"
        mapping = {"columns": meanings(found.body["columns"], maps or ()), "tags": list(tags or ()), "source": source}
        found = client.put(f"{place}/mapping", mapping, etag=_etag(found))
        client.post(f"{place}/{'dry-run' if dry_run else 'start'}", None, etag=_etag(found))
        outcome = _follow(client, place, Console(stderr=True))
        if rejected is not None:
            rejected.write_bytes(client.download(f"{place}/rejected.csv"))
        shown = client.get(f"{place}/rows", {"outcome": "reject", "limit": SHOWN_REJECTIONS}).body["data"]
    if as_json:
        typer.echo(json.dumps(outcome, ensure_ascii=False, indent=2))
    else:
        show(outcome, shown, Console())
    if outcome["state"] == "cancelled":
        raise ClientError(outcome["reason"] or "The import was cancelled.")


def meanings(columns: Sequence[dict[str, Any]], maps: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the columns hold: what `COLUMN=FIELD` says, or without any what is suggested. Raises ClientError."""
    if not maps:
        suggested = [{"column": one["column"], "field": one["suggested"]} for one in columns if one["suggested"]]
        if suggested:
            return suggested
        raise ClientError("The headers say nothing that is known: name the columns with --map COLUMN=FIELD.")
    said = []
    for one in maps:
        name, mark, field = one.rpartition("=")
        if not mark:
            raise ClientError(f"{one!r} is no COLUMN=FIELD.")
        places = [column["column"] for column in columns if column["name"] == name]
        if not places and name.isascii() and name.isdigit() and 1 <= int(name) <= len(columns):
            places = [int(name) - 1]
        if len(places) != 1:
            raise ClientError(
                f"{len(places)} columns are called {name!r}; the file has {[column['name'] for column in columns]}. "
                "A column has a number too, from 1."
            )
        said.append({"column": places[0], "field": field})
    return said


def show(outcome: dict[str, Any], rejections: Sequence[dict[str, Any]], console: Console) -> None:
    """Print what happened, or would, for people."""
    title = "Would be imported" if outcome["state"] == "checked" else "Imported"
    table = Table("", "rows", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for name, words in WORDS.items():
        table.add_row(words, f"{outcome['counts'][name]:,}")
    console.print(table)
    for row in rejections:
        reason = row["reason"]
        console.print(f"  row {row['number']}  {reason['code']}: {reason['detail']}", markup=False, highlight=False)
    more = outcome["counts"]["reject"] - len(rejections)
    if more > 0:
        console.print(f"  ... and {more:,} more; --rejected FILE.csv writes them all.")


def _follow(client: Client, place: str, console: Console) -> dict[str, Any]:
    """Show the progress until the rows are through; return the file as it is then. Raises ApiError, ClientError."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows")
        while True:
            file: dict[str, Any] = client.get(place).body
            bar.update(task, total=file["rows"], completed=file["done"])
            if file["state"] not in RUNNING:
                return file
            time.sleep(PAUSE_SECONDS)


def _etag(answer: Answer) -> str:
    if answer.etag is None:
        raise ClientError("The answer has no version.")
    return answer.etag
