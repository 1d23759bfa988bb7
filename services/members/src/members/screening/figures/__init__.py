"""Figures: what each door, and each channel, brought: applications, members who stay, moments of value, orders."""
