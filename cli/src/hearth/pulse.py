"""`hearth pulse`: how a community lives, week by week."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hearth.client import DEFAULT_DATA, BaseUrlOption, Client, DataOption

FIGURE_CELLS: Final = 67
"""Width of a row without its bar."""
SHORTEST_BAR, LONGEST_BAR = 10, 40
COLOURS: Final = {"returning": "green", "new": "cyan", "resurrected": "yellow"}
"""The parts of a week's bar, from left to right."""
SHADES: Final = {"returning": "█", "new": "▓", "resurrected": "▒"}
FIGURES: Final = ("active", "new", "returning", "resurrected", "dormant")


def pulse(
    community: Annotated[str, typer.Option(metavar="SLUG", help="The community to look at.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,  # noqa: FBT002 - an option
    data: DataOption = DEFAULT_DATA,
    base_url: BaseUrlOption = None,
) -> None:
    """Show a community's pulse: who is active per week, who is new, who came back, who fell silent."""
    with Client.from_data(data, base_url) as client:
        document = client.get(f"/v1/communities/{client.get_community(community)['id']}/pulse").body
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        show(community, document, Console())


def show(community: str, document: dict[str, Any], console: Console) -> None:
    """Print the figures as a table with a bar per week."""
    members, silent = document["members"], document["never_active"]
    share = f" ({silent / members:.0%})" if members else ""
    console.print(f"{community} · {document['zone']}", style="bold", markup=False, highlight=False)
    console.print(
        f"{members:,} members, {silent:,} of them never active{share}; {document['member_days']:,} member-days",
        highlight=False,
    )
    if not document["weeks"]:
        console.print("Nobody has been active yet.")
        return
    table = Table("week", *FIGURES, "", box=box.SIMPLE_HEAD)
    for column in table.columns[1 : len(FIGURES) + 1]:
        column.justify = "right"
        column.no_wrap = True
    busiest = max(week["active"] for week in document["weeks"])
    cells = min(max(console.width - FIGURE_CELLS, SHORTEST_BAR), LONGEST_BAR)
    for week in document["weeks"]:
        table.add_row(week["week"], *(f"{week[name]:,}" for name in FIGURES), bar_of(week, busiest, cells))
    console.print(table)
    legend = Text("  ")
    for name, shade in SHADES.items():
        legend.append(f"{shade}{shade} {name}  ", style=COLOURS[name])
    console.print(legend)


def bar_of(week: dict[str, int], busiest: int, cells: int) -> Text:
    """Return a week's active members as a bar, `cells` long for the busiest week, in parts that add up to it."""
    bar = Text(no_wrap=True)
    done = drawn = 0
    for name, shade in SHADES.items():
        done += week[name]
        reached = round(cells * done / busiest) if busiest else 0
        bar.append(shade * (reached - drawn), style=COLOURS[name])
        drawn = reached
    return bar
