"""Outside checkers: who else judges texts before others see them."""
