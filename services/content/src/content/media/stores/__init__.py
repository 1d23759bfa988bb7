"""Where the bytes of media lie: a directory, or an S3-compatible store."""
