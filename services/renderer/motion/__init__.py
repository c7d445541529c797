"""How a face moves: pure policy. Time comes in as seconds of media time, chance from a seeded generator."""
