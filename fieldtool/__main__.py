"""`python -m fieldtool` is the `fieldtool` command."""

from fieldtool.main import main

main()
