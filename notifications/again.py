"""What is done again in one go: messages, and activities that were set aside."""

# At this pace, so that what is new does not wait.
PER_SECOND = 10
MOST = 10_000
