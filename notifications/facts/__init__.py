"""The facts of a batch of activities, in a constant number of queries.

Nothing here decides. `batch.Facts` reads what eligibility/ asks for, for hundreds of
activities at once: no query depends on the number of activities, leads, deals or people.
"""
