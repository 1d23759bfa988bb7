"""The page for partners: its code verifies what is sent, and its figures are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from tests.gateway.catalogue.npm import install

from chassis import clock
from chassis.embedded.ports import free_port
from chassis.embedded.process import wait_until
from contracts.catalogue import filter_fault
from gateway import signing
from gateway.catalogue.messages import EXAMPLE_SECRET, messages
from gateway.catalogue.payloads import MOST_BYTES
from gateway.deliveries import policy

PAGE = (Path(__file__).parents[3] / "docs/partners.md").read_text()
BODY = b'{"type":"hearth.ping"}'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def verified() -> Callable[[str, dict[str, str], bytes], bool]:
    [block] = blocks("python")
    names: dict[str, Any] = {}
    exec(block, names)
    found: Callable[[str, dict[str, str], bytes], bool] = names["verified"]
    return found


def test_the_code_by_hand_verifies_what_we_sign(verified: Callable[[str, dict[str, str], bytes], bool]) -> None:
    now = clock.now()
    keys = [signing.signing_key(EXAMPLE_SECRET), signing.signing_key(signing.make_secret("v1a"))]
    headers = signing.sign("0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10", int(now.timestamp()), BODY, keys)
    assert verified(EXAMPLE_SECRET, headers, BODY)
    assert Webhook(EXAMPLE_SECRET).verify(BODY, headers) == {"type": "hearth.ping"}
    assert not verified(EXAMPLE_SECRET, headers, BODY + b" ")
    assert not verified(EXAMPLE_SECRET, headers | {"webhook-id": "other"}, BODY)
    assert not verified(signing.make_secret(), headers, BODY)
    late = signing.sign("m", int((now - timedelta(seconds=400)).timestamp()), BODY, keys)
    assert not verified(EXAMPLE_SECRET, late, BODY)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_the_code_by_hand_believes_nothing_forged(headers: dict[str, str]) -> None:
    [block] = blocks("python")
    names: dict[str, Any] = {}
    exec(block, names)
    headers = headers | {"webhook-timestamp": str(int(clock.now().timestamp()))}
    assert not names["verified"](EXAMPLE_SECRET, headers, BODY)


@contextmanager
def program(argv: list[str], folder: Path, **told: str) -> Iterator[subprocess.Popen[str]]:
    """Run a receiver of the page until the test is done with it."""
    environment = {"PATH": os.environ["PATH"], **told}
    with subprocess.Popen(argv, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.terminate()


def deliver(port: int, headers: dict[str, str], body: bytes = BODY) -> int:
    url = f"http://127.0.0.1:{port}/hooks"
    answers: list[int] = []

    def answered() -> bool:
        try:
            answers.append(httpx.post(url, content=body, headers=headers, trust_env=False).status_code)
        except httpx.ConnectError:
            return False
        return True

    assert wait_until(answered, 20)
    return answers[-1]


def check_receiver(port: int, running: subprocess.Popen[str]) -> None:
    body = b'{"type":"hearth.ping","data":{"endpoint_id":"1"}}'
    now = int(clock.now().timestamp())
    headers = signing.sign("m1", now, body, [signing.signing_key(EXAMPLE_SECRET)])
    forged = signing.sign("m2", now, body, [signing.signing_key(signing.make_secret())])
    assert deliver(port, forged, body) == 401
    for broken in ({}, headers | {"webhook-signature": "v1"}, headers | {"webhook-timestamp": "soon"}):
        assert deliver(port, broken, body) == 401
    assert deliver(port, headers, body) == 204
    assert running.stdout is not None
    assert running.stdout.readline().replace(" ", "") == 'hearth.ping{"endpoint_id":"1"}\n'


def test_the_receiver_in_python_takes_what_is_ours_only(tmp_path: Path) -> None:
    [source] = re.findall(r"^cat > receiver.py <<'END'\n(.*?)^END$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "receiver.py").write_text(source)
    (tmp_path / "whsec").write_text(EXAMPLE_SECRET)
    port = free_port()
    with program([sys.executable, "receiver.py", str(port)], tmp_path) as running:
        check_receiver(port, running)


def test_the_receiver_in_javascript_takes_what_is_ours_only(tmp_path: Path) -> None:
    install(tmp_path, "standardwebhooks@1")
    [source] = blocks("js")
    (tmp_path / "receiver.js").write_text(source)
    port = free_port()
    with program(["node", "receiver.js"], tmp_path, HEARTH_WEBHOOK_SECRET=EXAMPLE_SECRET, PORT=str(port)) as running:
        check_receiver(port, running)


def test_its_figures_are_those_of_the_code() -> None:
    units = {"5 s": 5, "5 min": 300, "30 min": 1800, "2 h": 7200, "5 h": 18000, "10 h": 36000}
    units |= {"14 h": 50400, "20 h": 72000, "24 h": 86400}
    assert [wait.total_seconds() for wait in policy.SCHEDULE] == [0, *units.values()]
    assert ", ".join(list(units)[:-1]) + " and 24 h after the attempt" in PAGE
    assert policy.JITTER == 0.2
    assert timedelta(days=5) == policy.FAILING
    assert timedelta(days=14) == policy.RECOVERABLE
    assert f"{MOST_BYTES:,} bytes" in PAGE
    assert (1, 300, timedelta(hours=24)) == (policy.FIRST_PAUSE, policy.LONGEST_PAUSE, policy.LONGEST_ASKED)
    assert {429, 502, 504} == policy.THROTTLING


def test_its_types_and_filters_are_some() -> None:
    named = set(re.findall(r"[`\"]((?:content|members|engagement|partners)\.[a-z_.*]+(?:\.v1)?)[`\"\\]", PAGE))
    assert len(named) > 5
    assert {name: filter_fault(name) for name in named} == dict.fromkeys(named)
    assert "members.membership.approved.v1" in messages()
