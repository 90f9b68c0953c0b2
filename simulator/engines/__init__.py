"""Ways to run a replay."""
