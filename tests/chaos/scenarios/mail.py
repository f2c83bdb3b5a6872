"""A mail server that refuses, waits, or answers too late; and sending again under load."""

from __future__ import annotations

import time
from email.message import EmailMessage

from tests.chaos.client import percentile, recipient
from tests.chaos.registry import scenario
from tests.chaos.stage import Run
from tests.sinks import wait_until

LIVE_WITHIN = 5.0


@scenario("T40", "SMTP 421, 450, 451 (greylisting), 550 5.1.1, 552, 554")
def answers(run: Run) -> None:
    """4yz comes again, 5yz is dead; an address that does not exist gets nothing any more."""
    later, dead = ("421", "450", "451"), ("552", "554")
    partners = run.rng.sample(run.partners, 6)
    codes = dict(zip(map(recipient, partners), (*later, *dead, "550"), strict=True))
    is_first: set[str] = set()

    def answer(message: EmailMessage) -> str | None:
        code = codes.get(message["To"], "")
        if code in dead or (code in later and code not in is_first):
            is_first.add(code)
            return f"{code} as told"
        return None

    run.stage.smtp.answer = answer
    unknown = next(address for address, code in codes.items() if code == "550")
    run.stage.smtp.refuse = lambda address: "550 5.1.1 no such user" if address == unknown else None
    run.client.post([run.client.demo_request(partner) for partner in partners])
    run.settle(hurry=True)
    run.explained = 3
    suppressed = run.rows("SELECT address FROM notifications_suppression WHERE address = ANY(%s)",
                          list(codes))  # fmt: skip
    run.check(suppressed == [(unknown,)], f"suppressed: {suppressed}")
    run.rows_of("DELETE FROM notifications_suppression")


@scenario("T41", "SMTP takes the message and answers after the deadline")
def answers_too_late(run: Run) -> None:
    late: list[str] = []

    def answer(message: EmailMessage) -> str | None:
        if not late:
            late.append(message["Message-ID"])
            run.stage.smtp.take(message)  # It has it; only its answer does not come in time.
            time.sleep(4)
            return "451 Too late to be heard"
        return None

    run.stage.smtp.answer = answer
    run.client.post(
        [run.client.demo_request(partner) for partner in run.rng.sample(run.partners, 5)]
    )
    run.settle(hurry=True)
    copies = [mail for mail in run.received if mail.message_id in late]
    run.check(len(copies) == 2, f"{len(copies)} copies with one Message-ID")
    run.check(run.ledger.interrupted >= 1, "no outcome was unknown")


@scenario("T44", "hundreds of dead messages are sent again under live load")
def replay_under_load(run: Run) -> None:
    """The same ids go; new messages wait no longer than without."""
    size = run.stage.sizes.flood // 10
    broken, *quiet = run.rng.sample(run.partners, 11)
    run.stage.smtp.answer = lambda message: "554 no" if message["To"] == recipient(broken) else None
    run.client.post([run.client.demo_request(broken) for _ in range(size)])
    run.settle()
    dead = run.emails("d.state = 'dead'")
    run.check(dead == size, f"{dead} are dead instead of {size}")
    run.stage.smtp.answer = lambda _message: None
    run.product.manage("shell", "-c", _REPLAY.format(prefix=run.client.prefix))
    live = [run.client.demo_request(partner) for partner in quiet * 3]
    run.client.post(live, threads=2)
    wait_until(lambda: len(run.to_inbox(live)) == len(live), seconds=60, what="the live ones")
    p99 = percentile(run.to_inbox(live), 99)
    run.note("p99 of live messages", f"{p99:.2f} s")
    run.check(p99 < LIVE_WITHIN, f"live messages waited {p99:.1f} s")
    run.settle(hurry=True)
    ids = run.rows(
        "SELECT count(*), count(DISTINCT d.public_id) FROM notifications_delivery d"
        " JOIN notifications_notification n ON n.id = d.notification_id"
        " JOIN partners_activity a ON a.id = n.activity_id"
        " JOIN accounts_membership m ON m.id = n.membership_id"
        " JOIN accounts_user u ON u.id = m.user_id"
        " WHERE d.channel = 'email' AND a.message_id LIKE %s AND u.email = %s",
        f"{run.client.prefix}-%", recipient(broken),
    )  # fmt: skip
    run.check(ids == [(2 * size, size)], f"rows and ids: {ids}")


_REPLAY = """
from accounts.models import User
from notifications.delivery.replay import replay_range
from notifications.models import Delivery
rows = Delivery.objects.filter(
    state="dead", notification__activity__message_id__startswith="{prefix}-"
)
replay_range(rows, actor=User.objects.first(), account=None, what="all that is dead")
"""
