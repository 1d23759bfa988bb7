"""The dispatcher: what is due goes out, each endpoint in a lane of its own."""
