"""What partners tag their contacts with, in the communities to which these belong."""
