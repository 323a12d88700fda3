"""The policies, held to what the engine sent of real stacks (`data/`, recorded from previews of the lab)."""
