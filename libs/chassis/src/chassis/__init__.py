"""What every Hearth service is built on."""
