"""Communities: what a brand runs, each with its zone and its state."""
