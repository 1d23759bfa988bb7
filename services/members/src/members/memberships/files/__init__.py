"""Members from files: a CSV or XLSX table, what its columns mean, what would happen to each row, and then the rows taken."""
