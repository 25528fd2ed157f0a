"""`python -m stance`: the same as the command `stance`."""

from stance.cli import main

main()
