"""Words every room shares: units, canonical codec, the error tree, bounds, seeded dice."""
