"""The examples of docs/inbound.md do what the page says."""

import json
import re
from pathlib import Path

from gateway.inbound.application.policy import BODIES_KEPT, IDS_KEPT, PATIENCE
from gateway.inbound.mapping import policy, strict
from gateway.inbound.mapping.kinds import KINDS
from gateway.inbound.mapping.queries import plain
from gateway.inbound.sources.schemas import CustomVerification

PAGE = (Path(__file__).parents[3] / "docs" / "inbound.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_each_mapping_makes_of_its_message_what_stands_below() -> None:
    mappings, examples = blocks("yaml"), blocks("json")
    assert len(mappings) == 2
    for mapping, message, shown in zip(mappings, examples[0:4:2], examples[1:4:2], strict=True):
        read, faults = policy.compile_mapping(mapping)
        assert read is not None, faults
        reading = policy.apply_mapping(read, strict.read(message.encode()))
        assert reading.faults == ()
        item = reading.items[0]
        fields = {name: plain(value) for name, value in item.fields.items()}
        made = {"kind": item.kind, "external_id": item.external_id, "version": item.version, "fields": fields}
        assert made == json.loads(shown)


def test_the_signature_is_one_that_a_source_takes() -> None:
    CustomVerification.model_validate_json(blocks("json")[4])


def test_the_table_names_every_kind_and_field() -> None:
    for kind, fields in KINDS.items():
        [row] = re.findall(rf"^\| `{kind}` \| (.*?) \| ?(.*?) ?\|$", PAGE, re.MULTILINE)
        needed = {name for name, field in fields.items() if field.required}
        assert set(re.findall(r"`(\w+)`", row[0])) - {"add", "remove"} == needed
        assert set(re.findall(r"`(\w+)`", " ".join(row))) == set(fields)


def test_the_spans_are_those_that_hold() -> None:
    assert (BODIES_KEPT.days, IDS_KEPT.days, PATIENCE.days) == (30, 180, 3)
    assert "for three days" in PAGE
    assert "known for 180 days" in PAGE
    assert "kept for 30 days" in PAGE
