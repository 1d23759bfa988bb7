"""Reading: the feed in its orders, what is read and unread, bookmarks, and who was mentioned."""
