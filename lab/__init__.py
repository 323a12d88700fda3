"""The cloud that runs on this machine: its tools, its clusters, and plugins for machines that cannot download them."""
