"""Keeping what alertd keeps: copies of it, how long, and what one child may be given of it."""
