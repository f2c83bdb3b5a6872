"""One module per kind of fault. Imported here, a scenario is registered."""

from tests.chaos.scenarios import intake, neighbours, servers, soak, workers

__all__ = ["intake", "neighbours", "servers", "soak", "workers"]
