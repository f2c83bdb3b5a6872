"""What the partners app announces. Sent inside the transaction that wrote the rows."""

from django.dispatch import Signal

# Activities were recorded and wait for evaluation. No arguments: the rows say what.
activities_recorded = Signal()

# A person is forgotten (R104). `email`: the address; `contact`: the row, anonymous now, or None.
person_erased = Signal()
