"""Sketches tell how alike texts are."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.moderation.detection.sketches import FUNCTIONS, ROWS, SHORTEST, similarity, sketch
from content.moderation.folding import Folded, compact

TEXTS = st.text(st.sampled_from("今天的英语学习打卡内容请大家加老师领取资料 abc"), min_size=0, max_size=120)


def jaccard(one: str, other: str) -> float:
    a, b = ({text[i : i + 3] for i in range(len(text) - 2)} for text in (one, other))
    return len(a & b) / len(a | b)


@given(TEXTS)
def test_a_text_is_like_itself_in_any_disguise(text: str) -> None:
    found = sketch(compact(text))
    bare = compact(text).text.replace(" ", "")
    assert (found is None) == (len(bare) < SHORTEST)
    if found is not None:
        assert len(found.values) == FUNCTIONS
        assert len(set(found.bands)) == FUNCTIONS // ROWS
        assert all(-(2**31) <= value < 2**31 for value in found.values)
        assert sketch(compact("\u200b" + text.upper() + "!")) == found


def mixed(value: int) -> int:
    """Return the finalizer of splitmix64."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


@pytest.mark.parametrize("length", [SHORTEST, 129, 130, 131, 700])
def test_the_least_values_are_those_of_plain_arithmetic(length: int) -> None:
    """Sketches are kept, so however they are reckoned, they stay what they were."""
    text = "".join(random.Random(length).choices([chr(code) for code in range(0x4E00, 0x5E00)], k=length))
    codes = [ord(letter) for letter in text]
    shingles = {one << 42 | two << 21 | three for one, two, three in zip(codes, codes[1:], codes[2:], strict=False)}
    least = [
        min(mixed(shingle ^ mixed(number * 0x9E3779B97F4A7C15 % 2**64)) for shingle in shingles) % 2**32
        for number in range(1, FUNCTIONS + 1)
    ]
    found = sketch(Folded(text))
    assert found is not None
    assert [value % 2**32 for value in found.values] == least


def test_the_estimate_is_near_the_similarity_and_bands_find_what_is_alike() -> None:
    chance = random.Random(7)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 2000)]
    errors, found = [], {True: [0, 0], False: [0, 0]}
    for _ in range(300):
        one = "".join(chance.choices(letters, k=120))
        changed = list(one)
        for place in chance.sample(range(120), chance.randint(0, 30)):
            changed[place] = chance.choice(letters)
        other = "".join(changed)
        a, b = sketch(compact(one)), sketch(compact(other))
        assert a is not None
        assert b is not None
        true = jaccard(compact(one).text, compact(other).text)
        errors.append(abs(similarity(a.values, b.values) - true))
        if true >= 0.8 or true <= 0.2:
            found[true >= 0.8][0] += 1
            found[true >= 0.8][1] += bool(set(a.bands) & set(b.bands))
    assert sum(errors) / len(errors) < 0.05
    assert found[True][0] > 10
    assert found[True][1] >= 0.98 * found[True][0]
    assert found[False][1] <= 0.2 * found[False][0]
