"""Pulse: member-day activity, and what it says about a community's weeks."""
