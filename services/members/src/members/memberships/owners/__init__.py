"""Owners: the staff person who looks after a member (专属负责人)."""
