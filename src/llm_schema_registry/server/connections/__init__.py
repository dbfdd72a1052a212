"""HTTP connections of a worker: bounds of time, size and number, turns, and refusals."""
