"""REST: operations, and how HTTP reaches them."""
