"""Artifacts: where they lie, what made them, and whether they are still what was written."""
