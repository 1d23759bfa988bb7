"""Staff: the owners and admins of an organization."""
