"""The settings of a made-up authority, as the benchmarks run it."""

from __future__ import annotations

from pathlib import Path

from alertd.cli.demo import adopt_all
from tests.bench.figures import AS_OF


def write_settings(folder: Path, feed: Path, *, port: int = 2525, schedule: str = "") -> Path:
    """Settings over a feed, with the staff files that lie in the folder, every rule adopted, and no database yet.

    ``port`` is that of the mail server on this machine, ``schedule`` what stands in that section.
    """
    for file in folder.glob("alertd.db*"):
        file.unlink()
    config = folder / "alertd.toml"
    config.write_text(
        f'[authority]\nname = "Made up"\ncode = "350"\n[database]\nurl = "sqlite:///{folder}/alertd.db"\n'
        f'[feed]\nkind = "ssd"\nurl = "sqlite:///{feed}"\n'
        '[rules]\npacks = ["england"]\nadopted = "adopted.yaml"\n'
        '[rules.settings]\n"cp.visit.interval" = "10 working days"\n'
        f"[schedule]\n{schedule}\n"
        '[people]\npeople = "people.csv"\nteams = "teams.csv"\nduty = "duty@la350.example"\n'
        'allowed_domains = ["la350.example"]\n'
        f'[email]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nsender = "alertd@la350.example"\n'
    )
    (folder / "adopted.yaml").unlink(missing_ok=True)
    adopt_all(config, AS_OF)
    return config
