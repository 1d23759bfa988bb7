"""The test kit: real PostgreSQL and NATS, an authenticated client per role, the recorded events, a movable clock."""
