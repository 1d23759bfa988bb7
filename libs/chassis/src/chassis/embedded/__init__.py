"""Real servers from wheels, for a bare machine and for tests: PostgreSQL and nats-server."""
