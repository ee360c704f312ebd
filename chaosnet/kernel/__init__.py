"""One whole node as one function: step(event, now) -> effects."""
