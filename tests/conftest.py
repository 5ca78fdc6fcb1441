"""What holds for every test here."""

from hypothesis import settings

# How long one example takes says how busy the machine is, and nothing of the code: figures are for `make bench`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
