"""What people agreed to: decisions are kept as they came, and the newest that counts is in force."""
