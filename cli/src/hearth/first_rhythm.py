"""What the first community speaks about, and when: its themes, its recurring slots, and a greeting that stands in when nobody wrote one."""

from __future__ import annotations

from typing import Any, Final

THEMES: Final[list[dict[str, Any]]] = [
    {
        "name": {"zh": "每日一练", "en": "A little practice a day"},
        "description": {"zh": "一个词、一句话、一个小练习。", "en": "A word, a sentence, a small exercise."},
        "target_share": 45,
    },
    {
        "name": {"zh": "学习方法", "en": "How to learn"},
        "description": {"zh": "怎样听、怎样读、怎样坚持。", "en": "How to listen, how to read, how to keep going."},
        "target_share": 25,
    },
    {
        "name": {"zh": "课程与优惠", "en": "Courses and offers"},
        "target_share": 10,
        "promotion": True,
    },
]
GREETING: Final[dict[str, Any]] = {
    "kind": "greeting",
    "title": "早安",
    "body": "早上好!今天也花二十分钟学英语吧。Good morning — twenty minutes of English today?",
    "state": "ready",
}
"""Goes out when the morning's slot is empty."""
SLOTS: Final[list[dict[str, Any]]] = [
    {
        "name": {"zh": "早安", "en": "Good morning"},
        "kind": "greeting",
        "rrule": "FREQ=DAILY",
        "at": "07:30",
        "theme": 0,
    },
    {
        "name": {"zh": "每日话题", "en": "Topic of the day"},
        "kind": "daily_topic",
        "rrule": "FREQ=DAILY",
        "at": "12:30",
        "theme": 0,
    },
    {
        "name": {"zh": "学习文章", "en": "Article"},
        "kind": "article",
        "rrule": "FREQ=WEEKLY;BYDAY=TU,FR",
        "at": "20:00",
        "theme": 1,
    },
]
"""`theme` is a place in THEMES."""
