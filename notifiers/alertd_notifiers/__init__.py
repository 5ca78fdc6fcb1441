"""The channels that come with alertd, found by the entry points ``alertd.notifiers``."""
