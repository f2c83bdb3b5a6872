"""Settings → Notification profiles: what an account sets for its members (R73, R74)."""
