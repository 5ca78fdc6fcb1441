"""Where alertd keeps what must outlive a run: the tables, their migrations, and the way in."""
