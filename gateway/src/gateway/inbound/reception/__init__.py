"""Taking a webhook: verified on its raw bytes, read strictly, kept once."""
