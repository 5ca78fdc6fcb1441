"""The pages that people sign in to. Each module lists its routes as :class:`~alertd.web.visit.Page`."""
