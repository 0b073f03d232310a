"""Every primitive, with all its rules in one place; one file per family of operations."""
