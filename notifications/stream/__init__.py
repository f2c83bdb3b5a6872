"""The stream process: server-sent events that say "look", and nothing else."""
