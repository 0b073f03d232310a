"""One file per transformation."""
