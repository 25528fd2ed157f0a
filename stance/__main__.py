"""`python -m stance`: the same as the command `stance`."""

from stance.cli import main

# Worker processes import this module under another name.
if __name__ == "__main__":
    main()
