"""Endpoints: where partners are told what happens."""
