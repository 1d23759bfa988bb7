"""Registration: a brand signs up, a person joins."""
