"""What the page Settings → Partners → Communication shows."""
