"""Programme: content's part of a card (群名片): the pinned announcement, and what comes next at which time."""
