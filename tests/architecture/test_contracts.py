"""The architecture's rules hold, and would notice a breach: each is shown to fail on a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTED = [
    ("Services, gateway and command share no code", "services/content/src/content/planted.py", "import members.app"),
    ("Contracts know only pydantic", "libs/contracts/src/contracts/planted.py", "import sqlalchemy"),
    ("The chassis knows no service", "libs/chassis/src/chassis/planted.py", "import engagement.app"),
    ("Only commands emit events", "services/members/src/members/communities/planted.py", "from chassis import outbox"),
    ("Only commands emit events", "gateway/src/gateway/endpoints/planted.py", "from chassis import outbox"),
    ("Rooms:", "services/members/src/members/communities/models.py", "from members.communities import routes"),
    # The gateway's nouns have rooms too, at both depths and those without tables.
    ("Rooms:", "gateway/src/gateway/endpoints/models.py", "from gateway.endpoints import routes"),
    ("Rooms:", "gateway/src/gateway/inbound/mapping/policy.py", "from gateway.inbound.mapping import commands"),
    ("Rooms:", "gateway/src/gateway/catalogue/schemas.py", "from gateway.catalogue import routes"),
    ("Policy decides over plain values", "services/members/src/members/communities/policy.py", "import sqlalchemy"),
    ("Policy decides over plain values", "gateway/src/gateway/deliveries/fanout/policy.py", "import asyncpg"),
    ("The test kit stays in tests", "gateway/src/gateway/planted.py", "import chassis.testing.kit"),
    ("No cycles among siblings", "libs/chassis/src/chassis/clock.py", "import chassis.app"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own packages alone, so that a violation can be planted without touching the checkout."""
    target = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", target)
    for folder in ("libs", "services", "gateway", "cli"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    return target


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    sources = [str(path) for path in sorted(root.glob("*/*/src")) + sorted(root.glob("*/src"))]
    program = "import sys; from importlinter.cli import lint_imports_command; sys.argv[1:] = ['--no-cache']; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={"PYTHONPATH": ":".join(sources), "COLUMNS": "200", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_architecture_holds(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("rule", "place", "line"), PLANTED)
def test_a_planted_violation_is_found(copy: Path, rule: str, place: str, line: str) -> None:
    path = copy / place
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        result = lint(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert result.returncode == 1, result.stdout
    broken = [row for row in result.stdout.splitlines() if row.startswith(rule)]
    assert any("BROKEN" in row for row in broken), result.stdout
