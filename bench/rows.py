"""Deliveries in bulk, each with all the rows that evaluation would have written for it."""

from __future__ import annotations

import psycopg

# Number n goes to lead n, and round again; n is also the order in which they are due.
_CHAIN = """
    WITH leads AS (
      SELECT lead.id, lead.account_id, contact.id AS contact_id, wishes.recipient_id,
             row_number() OVER (ORDER BY lead.id) - 1 AS place, count(*) OVER () AS many
      FROM partners_lead lead
      JOIN partners_contact contact ON contact.email = 'anna@' || lead.domain
      JOIN notifications_communicationsettings wishes USING (account_id)
      JOIN accounts_account account ON account.id = lead.account_id
      WHERE account.slug = ANY(%(slugs)s)
    ),
    activity AS (
      INSERT INTO partners_activity (source_id, message_id, type, name, contact_id, anonymous_id,
        user_id, occurred_at, received_at, consent_denied, payload, body_hash, state, failures,
        problem, evaluated_at)
      SELECT (SELECT id FROM partners_source LIMIT 1), gen_random_uuid(), 'track',
        'Demo Requested', contact_id, '', '', now(), now(), false,
        '{"type": "track", "event": "Demo Requested", "properties": {"plan": "pro"}}', '',
        'evaluated', 0, '', now()
      FROM generate_series(0, %(number)s - 1) n JOIN leads ON place = n %% many
      ORDER BY n
      RETURNING id, contact_id
    ),
    notification AS (
      INSERT INTO notifications_notification (account_id, membership_id, activity_id, dedupe_key,
        trigger, notice, created_at)
      SELECT account_id, recipient_id, activity.id, 'activity:' || activity.id, 'demo_request', '',
        now()
      FROM activity JOIN leads USING (contact_id)
      RETURNING id, account_id, membership_id, activity_id
    ),
    told AS (
      SELECT notification.*, leads.id AS lead_id FROM notification
      JOIN activity ON activity.id = activity_id JOIN leads USING (contact_id)
    ),
    reason AS (
      INSERT INTO notifications_notificationreason (notification_id, kind, lead_id)
      SELECT id, 'lead', lead_id FROM told
    ),
    decision AS (
      INSERT INTO notifications_decision (activity_id, kind, trigger, account_id, membership_id,
        outcome, reason, lead_id, notification_id, occurred_at, created_at)
      SELECT activity_id, 'lead', 'demo_request', account_id, membership_id, 'send', 'sent',
        lead_id, id, now(), now()
      FROM told
    )
    INSERT INTO notifications_delivery (public_id, account_id, notification_id, channel,
      endpoint_key, replay, topic, state, reason, detail, not_before, starts, failures, created_at)
    SELECT gen_random_uuid(), account_id, id, %(lane)s, 'user', 0, 'registered_lead_activity',
      'pending', '', '', clock_timestamp(), 0, 0, now()
    FROM told ORDER BY activity_id
"""


def add_due(
    connection: psycopg.Connection, number: int, slugs: list[str], *, lane: str = "email"
) -> None:
    """Let `number` deliveries be due, evenly to the leads of these accounts."""
    connection.execute(
        "INSERT INTO partners_source (name, key_hash, prefix, origins, created_at)"
        " VALUES ('bench', 'bench', 'bench', '[]', now()) ON CONFLICT DO NOTHING"
    )
    connection.execute(
        "INSERT INTO partners_contact (email, domain, name, consent_denied)"
        " SELECT 'anna@' || domain, domain, 'Anna Nowak', false FROM partners_lead"
        " ON CONFLICT DO NOTHING"
    )
    connection.execute(_CHAIN, {"number": number, "slugs": slugs, "lane": lane})
    connection.commit()
