"""The Dockerfile and .dockerignore, read as the engine reads them."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.manifests import ROOT


@dataclass
class Stage:
    """One FROM with what follows it."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.instructions if word == instruction]

    def words(self, instruction: str) -> list[str]:
        """Return the last such instruction in its exec form; none is empty."""
        found = self.all(instruction)
        words: list[str] = json.loads(found[-1]) if found else []
        return words


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions with their arguments, continuation lines joined and comments dropped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def stages(text: str) -> tuple[list[tuple[str, str]], list[Stage]]:
    """Return what stands before the first stage, and the stages."""
    before: list[tuple[str, str]] = []
    found: list[Stage] = []
    for word, rest in instructions(text):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            (found[-1].instructions if found else before).append((word, rest))
    return before, found


def ignored(path: str, patterns: str) -> bool:
    """Whether .dockerignore keeps a path out: the last pattern that takes it or a folder above it decides."""
    verdict = False
    parts = path.split("/")
    for line in patterns.splitlines():
        if not line or line.startswith("#"):
            continue
        expression = _expression(line.removeprefix("!"))
        if any(expression.fullmatch("/".join(parts[:depth])) for depth in range(1, len(parts) + 1)):
            verdict = not line.startswith("!")
    return verdict


def _expression(pattern: str) -> re.Pattern[str]:
    pieces = (
        "(?:.*/)?" if piece == "**/" else "[^/]*" if piece == "*" else re.escape(piece)
        for piece in re.split(r"(\*\*/|\*)", pattern)
    )
    return re.compile("".join(pieces))


def packages() -> dict[str, Path]:
    """Return the folders of the workspace's packages by name."""
    found = [*ROOT.glob("libs/*"), *ROOT.glob("services/*"), ROOT / "gateway", ROOT / "cli"]
    return {folder.name: folder for folder in found if (folder / "pyproject.toml").exists()}
