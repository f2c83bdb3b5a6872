"""Who is told of an account's leads beside the recipient (R38)."""
