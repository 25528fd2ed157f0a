"""stance: what a discussion thinks, post by post, and how sure we are."""
