"""How a partner's messages are read: a small language, its versions and its dry run."""
