"""What holds for every test here."""

import pytest
from hypothesis import settings

# Plugins of many modules, which others import too: whoever comes first, their assertions tell what failed.
pytest.register_assert_rewrite("tests.support.databases", "tests.support.webhooks")

# How long one example takes says how busy the machine is, and nothing of the code: figures are for `make bench`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
