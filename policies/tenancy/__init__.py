"""What isolates and limits a tenant."""
