"""One module per kind of fault. Imported here, a scenario is registered."""

from tests.chaos.scenarios import workers

__all__ = ["workers"]
