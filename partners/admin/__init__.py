"""Support for an operator: leads, companies, deals, write keys and what arrived."""

from partners.admin import arrivals, companies, deals, leads  # noqa: F401 - they register
