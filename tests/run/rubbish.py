"""What may lie in the broker's folder: no message of Celery's, or one that nothing is for."""

import json
from typing import Any


def message(args: Any = (), **more: Any) -> dict[str, Any]:
    """Return a message as Celery hands it to the broker."""
    return {
        "body": json.dumps([args, {}, {}]),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "notifications.tasks.evaluate", "id": "1"},
        "properties": {"delivery_tag": "1", "delivery_info": {"exchange": "", "routing_key": ""}},
        **more,
    }


# What a worker would die of: it is set aside.
RUBBISH = {
    "empty": b"",
    "half": json.dumps(message()).encode()[:40],
    "no JSON": b"\xff\xfe",
    "another kind": b"[1]",
    "bottomless": b"[" * 100_000,
    **{
        name: json.dumps(message(**more)).encode()
        for name, more in {
            "no properties": {"properties": None},
            "unknown encoding": {"properties": {"body_encoding": "x", "delivery_tag": ""}},
            "no headers": {"headers": None},
            "headers of another kind": {"headers": ["task"]},
            "no body": {"body": None},
            "body of another kind": {"body": "[]"},
        }.items()
    },
}

# What Celery itself throws away, or a task refuses.
STRANGE = {
    "unknown task": json.dumps(message(headers={"task": "none", "id": "1"})).encode(),
    "too many arguments": json.dumps(message([1, 2])).encode(),
    "no time": json.dumps(
        message(headers={"task": "notifications.tasks.evaluate", "id": "1", "expires": "x"})
    ).encode(),
}
