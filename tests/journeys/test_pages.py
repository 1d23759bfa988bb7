"""The commands of the pages for operators, run word for word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journeys.callers import Caller
from tests.stack_fixture import ROOT, LiveStack


def the_book_club_is_open(owner: Caller, _folder: Path) -> None:
    [made] = owner.get("/v1/communities", slug="book-club")["data"]
    assert made["state"] == "open"


def the_picture_can_be_seen(_owner: Caller, folder: Path) -> None:
    assert (folder / "small.webp").read_bytes().startswith(b"RIFF")


def the_contact_is_known(_owner: Caller, folder: Path) -> None:
    known = json.loads((folder / "contact.json").read_text())
    found = json.loads((folder / "found.json").read_text())
    assert found["data"] == [{"external_id": "C-10018", "account_id": known["account_id"]}]


def the_partner_is_connected(_owner: Caller, folder: Path) -> None:
    endpoint = json.loads((folder / "endpoint.json").read_text())
    [line] = (folder / "received.txt").read_text().splitlines()  # and what was sent again was taken once
    assert line == f'hearth.ping {{"endpoint_id": "{endpoint["id"]}"}}'
    [receipt] = json.loads((folder / "receipts.json").read_text())["data"]
    assert (receipt["message_id"], receipt["state"]) == ("msg-1", "applied")


@pytest.mark.parametrize(
    ("page", "check"),
    [
        ("belonging.md", the_book_club_is_open),
        ("media.md", the_picture_can_be_seen),
        ("contacts.md", the_contact_is_known),
        ("partners.md", the_partner_is_connected),
    ],
)
def test_the_commands_of_a_page_run_as_they_stand(
    stack: LiveStack, tmp_path: Path, page: str, check: Callable[[Caller, Path], None]
) -> None:
    stack.drain()  # what an earlier page did is no news to the partner of a later one
    known = stack.credentials()
    with Caller(stack.base_url) as owner:
        owner.sign_in(known["organization_id"], known["email"], known["password"])
        blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
        assert blocks
        told = os.environ | {"BASE": stack.base_url, "TOKEN": owner.session["access_token"], "NO_PROXY": "*"}
        # With the packages that the page asks for.
        told["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        script = "set -euo pipefail\n" + "\n".join(blocks)
        done = subprocess.run(
            ["bash", "-c", script], env=told, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout[-2000:]}"
        check(owner, tmp_path)
