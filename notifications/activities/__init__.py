"""Which activities somebody may read, newest first, and what became of them."""
