"""Facts: what each member did on each day, counted from content's events."""
