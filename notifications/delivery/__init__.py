"""Deliveries: claim what is due, check it again, send, record. The only caller of a channel.

pending → leased → sending → delivered | pending (retry) | dead. `leased` means claimed
with nothing on the wire; `sending` means that an Attempt is committed and a request may
be on the wire. Finishing needs the lease token: a worker that lost its lease changes
nothing. No network inside a transaction.
"""
