"""Standards and figures, for tests."""

from typing import Any

from hypothesis import strategies as st

from members.tiers.standards.policy import COUNTS_DAYS, WINDOWED, Criterion, Metric, faults

WINDOWS = (7, 30)
FIGURES: dict[str, int | None] = {
    Criterion(metric, 1, window).key: 0
    for metric in Metric
    for window in ((*WINDOWS, None) if metric in WINDOWED else (None,))
}


def _asks(metric: Metric, threshold: int, window: int | None = None) -> dict[str, Any]:
    return {"metric": metric.value, "threshold": threshold, "window_days": window}


MIXED: list[dict[str, Any]] = [
    {"code": "t0", "name": {"zh": "新芽", "en": "Newcomer"}, "privileges": []},
    {
        "code": "t1",
        "name": {"zh": "常客", "en": "Regular"},
        "privileges": [
            {"code": "early-access", "name": {"zh": "提前报名", "en": "Early sign-up"}, "params": {"hours": 24}}
        ],
        "entry": {"all": [_asks(Metric.ACTIVE_DAYS, 10, 30)], "any": []},
    },
    {
        "code": "t2",
        "name": {"zh": "骨干", "en": "Pillar"},
        "privileges": [],
        "entry": {
            "all": [_asks(Metric.ACTIVE_DAYS, 15, 30), _asks(Metric.REACTIONS_FROM_DISTINCT, 3, 30)],
            "any": [_asks(Metric.POSTS, 5), _asks(Metric.COMMENTS, 20)],
        },
        "keep": {"all": [_asks(Metric.ACTIVE_DAYS, 8, 30)], "any": []},
    },
    {
        "code": "t3",
        "name": {"zh": "元老", "en": "Elder"},
        "privileges": [],
        "entry": {
            "all": [
                _asks(Metric.DAYS_SINCE_JOINED, 100),
                _asks(Metric.LAST_ACTIVITY_DAYS_AGO, 7),
                _asks(Metric.REACTIONS_ON_DAYS, 5),
            ],
            "any": [],
        },
    },
]
assert not faults(MIXED)


@st.composite
def _criterion(draw: st.DrawFn) -> dict[str, Any]:
    metric = draw(st.sampled_from(Metric))
    window = draw(st.sampled_from((*WINDOWS, None))) if metric in WINDOWED else None
    most = min(6, window or 6) if metric in COUNTS_DAYS else 6
    return _asks(metric, draw(st.integers(1, most)), window)


def _key(one: dict[str, Any]) -> tuple[str, int | None]:
    return one["metric"], one["window_days"]


@st.composite
def _rule(draw: st.DrawFn) -> dict[str, Any]:
    every = draw(st.lists(_criterion(), max_size=3, unique_by=_key))
    some = draw(st.lists(_criterion(), min_size=0 if every else 1, max_size=2, unique_by=_key))
    return {"all": every, "any": some}


@st.composite
def standards(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return tiers without a fault; staying asks what they were drawn to ask, or by default."""
    tiers: list[dict[str, Any]] = [{"code": "t0", "name": {"en": "t0"}, "privileges": [], "entry": None, "keep": None}]
    for rank in range(1, draw(st.integers(2, 4))):
        keep = draw(st.one_of(st.none(), _rule()))
        new = {"code": f"t{rank}", "name": {"en": f"t{rank}"}, "privileges": [], "entry": draw(_rule()), "keep": keep}
        for candidate in (new, {**new, "keep": None}):
            if not faults([*tiers, candidate]):
                tiers.append(candidate)
                break
    if len(tiers) == 1:
        tiers.append({**MIXED[1], "keep": None})
    return tiers


def figures() -> st.SearchStrategy[dict[str, int | None]]:
    """Return figures that one member can have; of the last activity maybe none."""
    return st.fixed_dictionaries({key: st.integers(0, 8) for key in FIGURES}).map(_possible)


def _possible(drawn: dict[str, int]) -> dict[str, int | None]:
    """Let a longer window hold no less than a shorter, and the last activity lie in the shortest window that has any."""
    have: dict[str, int | None] = dict(drawn)
    for metric in WINDOWED:
        keys = [Criterion(metric, 1, window).key for window in (*WINDOWS, None)]
        have |= dict(zip(keys, sorted(drawn[key] for key in keys), strict=True))
    last: int | None = None
    before = 0
    for window in (*WINDOWS, None):
        acts = [Criterion(metric, 1, window).key for metric in (Metric.ACTIVE_DAYS, Metric.POSTS, Metric.COMMENTS)]
        if any(have[key] for key in acts):
            have[acts[0]] = max(1, have[acts[0]] or 0)
            last = before + drawn[Metric.LAST_ACTIVITY_DAYS_AGO.value] % 7 if last is None else last
        before = window or before
    have[Metric.LAST_ACTIVITY_DAYS_AGO.value] = last
    return have
