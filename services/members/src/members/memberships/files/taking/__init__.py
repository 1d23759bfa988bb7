"""Taking the rows of a file: judged, decided about and taken some at a time, each exactly once."""
