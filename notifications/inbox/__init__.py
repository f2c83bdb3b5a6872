"""The bell and the inbox: what reached a member on the desktop, and what they do with it."""
