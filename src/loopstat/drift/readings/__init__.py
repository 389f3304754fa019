"""What is read off a fitted drift."""
