"""One activity replayed: event → person → trigger → company → lead or deal → people.

Builds data; the page and the command render it. `account` None is the vendor's view; a
partner's view holds its own decisions only, and nothing that says there are others.
"""
