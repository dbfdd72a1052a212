"""SQL that both engines run: statements, rows, reads and writes."""
