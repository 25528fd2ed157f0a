"""Pages, dumps and exports to threads of posts."""
