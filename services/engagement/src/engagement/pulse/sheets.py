"""The weeks of a community as a file."""

from chassis.sheets import Column, Sheet
from engagement.pulse.queries import WEEKS

PULSE = Sheet(
    name="pulse",
    source=WEEKS,
    keys=(("listed.monday", "date"),),
    columns=(
        Column("week", {"en": "Week", "zh": "周"}, "listed.week"),
        Column("from", {"en": "From", "zh": "起始日"}, "listed.monday"),
        Column("active", {"en": "Active", "zh": "活跃"}, "listed.active"),
        Column("new", {"en": "New", "zh": "新增"}, "listed.new"),
        Column("returning", {"en": "Returning", "zh": "留存"}, "listed.returning"),
        Column("resurrected", {"en": "Resurrected", "zh": "回流"}, "listed.resurrected"),
        Column("dormant", {"en": "Dormant", "zh": "沉默"}, "listed.dormant"),
    ),
)
