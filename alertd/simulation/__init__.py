"""A simulated year: the whole road over a synthetic authority, and checks that do not trust it."""
