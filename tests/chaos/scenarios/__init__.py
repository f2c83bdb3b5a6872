"""One module per kind of fault; imported here, its scenarios are registered.

A scenario gets a `Run`: everything runs and nothing is under way. It sends events by
`run.client`, breaks something, lets `run.settle()` wait and count, and says by `run.check`
what else must hold. The rules of the ledger are applied to every run by themselves.
"""

from tests.chaos.scenarios import intake, mail, neighbours, receivers, servers, soak, workers

__all__ = ["intake", "mail", "neighbours", "receivers", "servers", "soak", "workers"]
