"""Settings → When: how often, quiet hours, pauses; and what waits for them."""
