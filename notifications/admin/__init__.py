"""Support for an operator: wishes, triggers, decisions, messages and what became of them."""

from notifications.admin import endpoints, logs, triggers, wishes  # noqa: F401 - they register
