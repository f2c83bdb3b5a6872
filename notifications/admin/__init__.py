"""Support for an operator: wishes, triggers, decisions, messages and what became of them."""

from notifications.admin import endpoints, handover, logs, triggers, wishes  # noqa: F401 - they register
