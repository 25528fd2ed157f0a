"""Hand-labelling in the browser: each post in its conversation, one key a label, nothing lost."""
