"""Demo data, the pretend website of the demo's vendor, and the demo's mailbox."""
