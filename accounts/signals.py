"""What the accounts app announces. Sent inside the transaction that wrote the rows."""

from django.dispatch import Signal

# A member was removed from the account. `membership`: the row, which stays inactive;
# `actor`: the user who did it. Apps above end what the member was chosen for.
# (A deactivated member stays chosen, and works again when reactivated.)
membership_removed = Signal()

# Members cannot act for their account any more, or the user cannot sign in. `memberships`:
# their rows. Apps above close what is open without a sign-in.
memberships_deactivated = Signal()
