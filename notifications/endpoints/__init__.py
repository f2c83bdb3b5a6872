"""A member's own webhooks and devices: the list, adding, trying out, switching, removing."""
