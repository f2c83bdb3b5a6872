"""A model field for what must not lie readable in the database or its backups."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class EncryptedJSONField(models.TextField):
    """A JSON value, encrypted with the first of settings.FIELD_ENCRYPTION_KEYS (Fernet)."""

    def from_db_value(self, value: str | None, *_args: object) -> Any:
        return None if value is None else decrypt(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else _fernet().encrypt(json.dumps(value).encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))


def decrypt(value: str) -> Any:
    try:
        return json.loads(_fernet().decrypt(value.encode()))
    except InvalidToken:
        raise ImproperlyConfigured(
            "A secret cannot be read: it was encrypted with a key that FIELD_ENCRYPTION_KEYS "
            "does not name any more."
        ) from None


@cache
def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(f"FIELD_ENCRYPTION_KEYS: {error}") from error
