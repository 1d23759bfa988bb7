"""Pages: all that members knows of one member, for staff, in one statement."""
