"""Announcements that ask to be acknowledged: who has, who has not, and reminding those."""
