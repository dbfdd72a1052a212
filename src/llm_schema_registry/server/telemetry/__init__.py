"""What the server reports of itself: metrics and logs."""
