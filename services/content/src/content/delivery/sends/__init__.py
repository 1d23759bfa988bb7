"""Sending an item to many places at one time, and taking back what has not gone yet."""
