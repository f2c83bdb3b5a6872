"""What one person did in one go: followed while it goes on, summed up when it has ended.

docs/decisions/0016-visits-and-limits.md
"""
