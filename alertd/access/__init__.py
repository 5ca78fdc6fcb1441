"""Who is looking, and what they may see: pure decisions, each with its reason."""
