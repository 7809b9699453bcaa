"""Entry of the frozen program `fieldtool-drivers`: optical session and virtual field, without any screen."""

import sys

from drivers.__main__ import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
