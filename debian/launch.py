#!/opt/alertd/bin/python
import sys

from alertd.__main__ import main

if __name__ == "__main__":  # workers are started by importing this file
    sys.exit(main())
