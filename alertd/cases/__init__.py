"""Case data: the record kinds, and the feeds they are read from."""
