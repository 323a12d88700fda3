"""What keeps the regions one fleet."""
