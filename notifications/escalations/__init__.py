"""What nobody has looked at: watched, and told to others step by step."""
