"""What a stack file may say: the typed, validated settings of a fleet, and the stack files themselves."""
