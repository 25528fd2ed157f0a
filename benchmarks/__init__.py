"""What stance measures about itself; each module is a command."""
