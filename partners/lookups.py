"""`among`: like `in`, with all values as one parameter.

A batch asks for a thousand e-mails at once; a thousand parameters cost more in Python than
the query costs in the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignKey, Lookup


@Field.register_lookup
@ForeignKey.register_lookup  # It does not inherit its field's lookups.
class Among(Lookup):
    """`field__among=values`; plain numbers or texts, no model instances."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        lhs, params = self.process_lhs(compiler, connection)
        values = list(self.rhs)
        if connection.vendor == "postgresql":
            return f"{lhs} = ANY(%s{self._cast(connection, values)})", (*params, values)
        sql = f"{lhs} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column
        return sql, (*params, json.dumps(values))

    def _cast(self, connection: BaseDatabaseWrapper, values: Sequence[object]) -> str:
        """Name the column's own type: of two types of numbers a row is compared with each value
        in turn, of one by a hash. Texts are of one type, and a cast could cut them."""
        if not values or not isinstance(values[0], int):
            return ""
        return f"::{self.lhs.output_field.cast_db_type(connection)}[]"
