"""``alertd`` and ``python -m alertd``: where the process begins.

Kept thin on purpose: a worker process imports this module again, and must not pay for the whole
command line.
"""

from __future__ import annotations

import io
import os
import sys

from alertd.errors import InputError


def main() -> None:
    """Run the command line: what cannot be used is one line on standard error and exit code 2."""
    _fill_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an old locale does not know every character
    try:
        from alertd.cli.together import run_command

        code = run_command()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:  # before the command had begun; after that it is run_command's
        code = 130
    except InputError as error:
        code = 2
        print(f"alertd: {error}", file=sys.stderr)
    except OSError as error:
        # What is left in the buffer has nowhere to go, and must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 2
        if isinstance(error, BrokenPipeError):
            code = 1  # the reader went away (``| head``) and wants to hear no more
        else:
            print(f"alertd: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
    sys.exit(code)


def _fill_closed() -> None:
    """Where standard input, output or error was closed, let nothing else be opened in its place and written into."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


if __name__ == "__main__":
    main()
