"""The command line. Each command group has its own module; :mod:`alertd.cli.together` puts them together.

Exit codes: 0 done; 1 done, and something needs attention; 2 unusable input, said on one line.
"""
