"""The reference pages that come from the code, one module per page."""
