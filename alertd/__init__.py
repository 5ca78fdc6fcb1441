"""alertd: tells people in children's services what is due, by when, and why."""

__version__ = "0.1.0"
