"""Entry of the frozen program `fieldtool`."""

from fieldtool.main import main

if __name__ == "__main__":
    main()
