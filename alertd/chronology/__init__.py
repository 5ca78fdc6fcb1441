"""A child's story from the records: what happened, in order, and what became of each need. Pure."""
