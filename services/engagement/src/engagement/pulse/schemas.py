"""What HTTP returns of pulse."""

from __future__ import annotations

from pydantic import Field

from chassis.schemas import Output


class WeekOut(Output):
    """One ISO week of a community, in its zone. Active is new, returning and resurrected together."""

    week: str = Field(description="ISO year and week", examples=["2018-W01"])
    active: int = Field(description="members who posted, commented or reacted", examples=[41])
    new: int = Field(description="of the active: first activity ever", examples=[6])
    returning: int = Field(description="of the active: active the week before too", examples=[30])
    resurrected: int = Field(description="of the active: active earlier, but not the week before", examples=[5])
    dormant: int = Field(description="active the week before, not this one", examples=[12])


class PulseOut(Output):
    """A community's pulse. Staff and bots are left out."""

    zone: str = Field(description="whose days and weeks these are", examples=["Asia/Shanghai"])
    members: int = Field(description="approved members", examples=[144])
    never_active: int = Field(description="approved members who were never active", examples=[17])
    member_days: int = Field(description="days on which a member was active, over all members", examples=[2310])
    weeks: list[WeekOut] = Field(description="from the first active week to the last, quiet ones too")
