"""Seats: who is in which group; members come in, leave, are moved, and give up their seats with their membership."""
