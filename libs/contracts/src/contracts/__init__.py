"""The events that Hearth's services share."""
