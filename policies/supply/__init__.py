"""Where charts and images come from."""
