"""Who says "I'm on it", about which lead, client or deal; seen by their own account only."""
