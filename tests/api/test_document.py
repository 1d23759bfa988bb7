"""The OpenAPI document: valid, described, with examples that are true to their schemas, and good for a typed client."""

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator, FormatChecker
from tests.api.document import Json, Operation, references, resolve

PROBLEM = "application/problem+json"
# Index signatures, of headers and of free-form objects, are unknown by nature.
UNTYPED = re.compile(r"(?<!\]): unknown")
CAMEL_CASE = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]*)*")


def validator(document: Json, schema: Json) -> Draft202012Validator:
    """A validator of a schema of the document, whose references lead into it."""
    return Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker())


def bodies(document: Json, operation: Operation) -> Iterator[tuple[str, str, Json]]:
    """Yield where, media type and media of the request body and of each success that has one."""
    for kind, media in operation.raw.get("requestBody", {}).get("content", {}).items():
        yield f"{operation} body", kind, media
    for status, answer in operation.raw["responses"].items():
        if status.startswith("2"):
            for kind, media in resolve(document, answer).get("content", {}).items():
                yield f"{operation} {status}", kind, media


def test_it_is_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(json.loads(json.dumps(document))).validate()
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("title") or schema.get("description"), name


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: Json) -> None:
    named = set(references(document))
    for reference in named:
        assert resolve(document, {"$ref": reference})
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} - named == set()


def test_every_operation_is_named_tagged_and_described(document: Json, every_operation: list[Operation]) -> None:
    names = Counter(one.name for one in every_operation)
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    complaints = [f"{name} is the name of {times} operations" for name, times in names.items() if times > 1]
    for one in every_operation:
        if not CAMEL_CASE.fullmatch(one.name):
            complaints.append(f"{one}: {one.name} is not camelCase")
        if not one.raw.get("tags") or not all(tags.get(tag) for tag in one.raw["tags"]):
            complaints.append(f"{one}: the tags {one.raw.get('tags')} are not all described")
        if not one.raw.get("description", "").strip() or not one.raw.get("summary", "").strip():
            complaints.append(f"{one}: no description")
        unsaid = [
            parameter["name"]
            for parameter in one.raw.get("parameters", ())
            if parameter["in"] != "path" and not parameter.get("description")
        ]
        complaints += [f"{one}: {name} is not described" for name in unsaid]
    assert complaints == []


def test_every_refusal_is_documented_as_a_problem(document: Json, every_operation: list[Operation]) -> None:
    complaints = []
    for one in every_operation:
        answers = one.raw["responses"]
        wanted = {"400", "414", "429", "431", "502", "503", "504"}
        wanted |= {"401", "403"} if one.needs_token else set()
        wanted |= {"404"} if one.path_parameters else set()
        wanted |= {"422"} if one.path_parameters or one.raw.get("parameters") or one.body() else set()
        wanted |= {"413"} if one.body() else set()
        wanted |= {"415"} if "application/json" in one.raw.get("requestBody", {}).get("content", {}) else set()
        wanted |= {"412", "428"} if one.wants_version else set()
        complaints += [f"{one}: {status} is missing" for status in wanted - answers.keys()]
        for status, answer in answers.items():
            whole = resolve(document, answer)
            if not whole.get("description"):
                complaints.append(f"{one}: {status} is not described")
            # OAuth has a form of its own for its errors (RFC 6749, 5.2).
            oauth = one.name == "issueClientToken" and status in {"400", "401"}
            if status.startswith(("4", "5")) and PROBLEM not in whole.get("content", {}) and not oauth:
                complaints.append(f"{one}: {status} is no problem document")
    assert complaints == []


def test_every_body_has_an_example_that_is_true_to_its_schema(document: Json, every_operation: list[Operation]) -> None:
    complaints = []
    for one in every_operation:
        for place, kind, media in bodies(document, one):
            if "example" not in media:
                complaints.append(f"{place} {kind} has no example")
                continue
            errors = validator(document, media["schema"]).iter_errors(media["example"])
            complaints += [f"{place}: {error.json_path} {error.message[:200]}" for error in errors]
    assert complaints == []


def test_every_example_of_a_schema_is_true_to_it(document: Json) -> None:
    complaints = []
    for name, schema in document["components"]["schemas"].items():
        whole = {"$ref": f"#/components/schemas/{name}"}
        parts: list[tuple[str, Json, Any]] = [(name, whole, one) for one in schema.get("examples", ())]
        parts += [
            (f"{name}.{field}", part, one)
            for field, part in schema.get("properties", {}).items()
            for one in part.get("examples", ())
        ]
        for place, part, example in parts:
            errors = validator(document, part).iter_errors(example)
            complaints += [f"{place}: {error.message[:200]}" for error in errors]
    assert complaints == []


CLIENT = """
import type { operations, paths } from "./hearth";

type Post = operations["createPost"]["responses"][201]["content"]["application/json"];
type NewPost = operations["createPost"]["requestBody"]["content"]["application/json"];
type IfMatch = operations["editPost"]["parameters"]["header"]["If-Match"];
type Feed = paths["/v1/communities/{community_id}/posts"]["get"]["responses"][200]["content"]["application/json"];

const written: NewPost = { body: "今天的单词" };
export const version: IfMatch = '"1"';
export function bodies(feed: Feed): string[] { return feed.data.map((post: Post) => post.body); }
// @ts-expect-error a post has a body
const empty: NewPost = {};
// @ts-expect-error a body is text
const wrong: NewPost = { body: 1 };
export default [written, empty, wrong];
"""


def test_a_typed_client_is_generated_from_it(document: Json, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("no node and npm here")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "client.ts").write_text(CLIENT)
    (tmp_path / "package.json").write_text('{"private": true}')
    # TypeScript 7 breaks the generator.
    tools = ["openapi-typescript@7", "typescript@5"]
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0"]
    try:
        got = subprocess.run(
            [npm, "install", *options, *tools], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if got.returncode:
        pytest.skip(f"the npm registry cannot be reached: {got.stderr.strip().splitlines()[:1]}")
    for command in (
        [
            "node_modules/openapi-typescript/bin/cli.js",
            "openapi.json",
            "-o",
            "hearth.d.ts",
            "--default-non-nullable=false",
        ],
        ["node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--target", "es2022", "client.ts"],
    ):
        done = subprocess.run([node, *command], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
    untyped = [line for line in (tmp_path / "hearth.d.ts").read_text().splitlines() if UNTYPED.search(line)]
    assert untyped == []
