"""`python -m chaosnet`: the same as the `chaosnet` command."""

from chaosnet.cli.main import main

main()
