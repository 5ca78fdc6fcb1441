"""Who looked at which child, when and by what right: a chain in which nothing can be changed unseen."""
