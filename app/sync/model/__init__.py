"""Floor 1: the values and states that the engine reasons with."""
