"""One store remembers: the protocol, its values, and the SQL implementation."""
