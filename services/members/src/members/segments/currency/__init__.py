"""Currency: keeping segments current, and telling who entered and left."""
