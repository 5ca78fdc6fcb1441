"""Taking in what the feeds say: read, guarded, kept with its history, and put together child by child."""
