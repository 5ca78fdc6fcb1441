"""``alertd`` and ``python -m alertd``: where the process begins.

Kept thin on purpose: a worker process imports this module again, and must not pay for the whole
command line.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line: an InputError is one line on standard error and exit code 2."""
    from alertd.cli import app
    from alertd.errors import InputError

    try:
        app()
    except InputError as error:
        print(f"alertd: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader went away (``| head``): not our fault, and nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
