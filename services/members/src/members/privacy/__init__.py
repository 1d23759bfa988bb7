"""What a person may ask of what is kept about them."""
