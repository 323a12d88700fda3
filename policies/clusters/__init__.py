"""What a cluster has to be."""
