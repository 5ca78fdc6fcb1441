"""An always-firing rule through the whole road: that its message stops coming is the alarm."""
