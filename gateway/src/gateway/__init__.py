"""The gateway: one address for everything that enters or leaves Hearth."""
