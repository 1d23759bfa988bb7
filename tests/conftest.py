"""Fixtures for every test."""

from hypothesis import settings

pytest_plugins = ["chassis.testing.plugin"]

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("hearth", deadline=None)
settings.load_profile("hearth")
