"""The calendar: recurring slots, their occurrences, and what fills them."""
