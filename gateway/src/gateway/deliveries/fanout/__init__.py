"""Fan-out: which endpoints are told of an event."""
