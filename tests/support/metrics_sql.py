"""Every count of the scorecard once more, in SQL over tables that a host would export.

Written from the words of `crmkit.metrics.DEFINITIONS`, the docstrings and what `crmkit.engagement`
and the arbiter say of themselves, not from the code that counts. Instants are integer microseconds
since 1970: DuckDB shifts naive timestamps, and cannot parse a column that is called ``at``.

Left to the arbiter's own tests: consents that cannot be read, and complaints about channels that
have no address.
"""

TABLES = {
    "candidates": "id VARCHAR, erased BOOLEAN, do_not_contact BOOLEAN, simulated BOOLEAN, "
    "source VARCHAR, rating DOUBLE",
    "addresses": "candidate_id VARCHAR, channel VARCHAR, address VARCHAR, suppressed BOOLEAN",
    "facts": "id VARCHAR, candidate_id VARCHAR, kind VARCHAR, occurred_at BIGINT, "
    "channel VARCHAR, outcome VARCHAR, automated BOOLEAN, role_id VARCHAR, "
    "enrollment_id VARCHAR, touch VARCHAR, rotation BIGINT, cadence VARCHAR, variant VARCHAR, "
    "purpose VARCHAR, expires_at BIGINT, address VARCHAR, simulated BOOLEAN",
    "roles": "id VARCHAR, opened_at BIGINT, closed_at BIGINT",
    "members": "segment VARCHAR, candidate_id VARCHAR",
    "levels": "cadence VARCHAR, touch VARCHAR, level VARCHAR",
    "weights": "kind VARCHAR, weight DOUBLE",
    "costs": "crm DOUBLE, cold DOUBLE",
    "ask": "now BIGINT, opens BIGINT, day BIGINT, cold_after BIGINT, span BIGINT, rule VARCHAR",
}
"""What is exported, with its columns; ``ask`` is one row: the question."""

STEPS = {
    # A fact dated after now does not exist yet, nor does somebody who has only such facts.
    "past": "SELECT facts.* FROM facts, ask WHERE occurred_at <= now",
    "people": """
        SELECT * FROM candidates
        WHERE id IN (SELECT candidate_id FROM past)
           OR id NOT IN (SELECT candidate_id FROM facts)""",
    "known": """
        SELECT candidate_id, min(occurred_at) AS known_at FROM past GROUP BY candidate_id""",
    # An interaction that the engagement policy gives weight, and no machine did.
    "acts": """
        SELECT candidate_id, id, occurred_at FROM past JOIN weights USING (kind)
        WHERE weight > 0 AND automated IS NOT TRUE""",
    "runs": """
        SELECT candidate_id, enrollment_id, cadence FROM past
        WHERE kind = 'enrolled' AND enrollment_id IS NOT NULL
        QUALIFY row_number() OVER (
            PARTITION BY candidate_id, enrollment_id ORDER BY occurred_at, id) = 1""",
    # Without a channel it is e-mail.
    "messages": """
        SELECT past.id, past.candidate_id, occurred_at, coalesce(channel, 'email') AS channel,
            past.enrollment_id, touch, rotation, variant, runs.cadence,
            occurred_at > opens AS inside,
            row_number() OVER (
                PARTITION BY past.candidate_id, past.enrollment_id
                ORDER BY occurred_at, past.id) AS place
        FROM ask, past LEFT JOIN runs
          ON runs.candidate_id = past.candidate_id AND runs.enrollment_id = past.enrollment_id
        WHERE kind = 'sent'""",
    # Bounces and complaints are machines' work anyway; a soft bounce is none.
    "responses": """
        SELECT *, automated IS TRUE AND kind NOT IN ('bounced', 'complained') AS machine
        FROM past
        WHERE kind IN ('opened', 'clicked', 'replied', 'bounced', 'complained', 'unsubscribed')
          AND NOT (kind = 'bounced' AND lower(coalesce(outcome, '')) = 'soft')""",
    # About the message that it names; naming none, about the newest before it on its channel.
    "about": """
        SELECT response.id, response.kind, response.candidate_id, response.occurred_at,
            message.id AS message_id
        FROM responses AS response JOIN messages AS message
          ON message.candidate_id = response.candidate_id
         AND message.occurred_at <= response.occurred_at
         AND CASE WHEN response.touch IS NULL
             THEN message.channel = coalesce(response.channel, 'email')
             ELSE message.touch = response.touch
              AND message.enrollment_id IS NOT DISTINCT FROM response.enrollment_id
              AND message.rotation IS NOT DISTINCT FROM response.rotation END
        WHERE NOT machine
        QUALIFY row_number() OVER (
            PARTITION BY response.id ORDER BY message.occurred_at DESC, message.id DESC) = 1""",
    "lost": """
        SELECT kind || if(touch IS NULL, ' before any message', ' about a touch not sent before')
            AS what, occurred_at
        FROM responses WHERE NOT machine AND id NOT IN (SELECT id FROM about)""",
    "fates": """
        SELECT messages.*,
            coalesce(bool_or(kind = 'opened'), false) AS opened,
            coalesce(bool_or(kind = 'clicked'), false) AS clicked,
            coalesce(bool_or(kind = 'replied'), false) AS replied,
            coalesce(bool_or(kind = 'bounced'), false) AS bounced,
            coalesce(bool_or(kind = 'complained'), false) AS complained,
            coalesce(bool_or(kind = 'unsubscribed'), false) AS unsubscribed
        FROM messages LEFT JOIN about ON about.message_id = messages.id
        GROUP BY ALL""",
    "mailed": """
        SELECT candidate_id, bool_or(opened) AS opened, bool_or(clicked) AS clicked,
            bool_or(replied) AS replied, bool_or(NOT bounced) AS reached
        FROM fates WHERE inside AND channel = 'email' GROUP BY candidate_id""",
    "written": """
        SELECT candidate_id, bool_or(replied) AS replied
        FROM fates WHERE inside GROUP BY candidate_id""",
    # The first reply of each person to a message of the window, and that message.
    "answers": """
        SELECT messages.place FROM about JOIN messages ON messages.id = about.message_id
        WHERE about.kind = 'replied' AND messages.inside
        QUALIFY row_number() OVER (
            PARTITION BY messages.candidate_id ORDER BY about.occurred_at, about.id) = 1""",
    "agreed": """
        SELECT candidate_id, occurred_at AS agreed_at, expires_at FROM past
        WHERE kind = 'consented' AND coalesce(purpose, 'nurture') = 'nurture'
        QUALIFY row_number() OVER (
            PARTITION BY candidate_id ORDER BY occurred_at DESC, id DESC) = 1""",
    "newest": """
        SELECT people.id,
            max(occurred_at) FILTER (kind IN (
                'captured', 'sourced', 'referred', 'attended', 'signed_up', 'applied', 'promoted',
                'changed_company', 'gained_skill', 'moved', 'updated', 'verified')
            ) AS confirmed_at,
            max(occurred_at) FILTER (kind IN ('sent', 'messaged', 'called', 'met'))
                AS contacted_at,
            max(occurred_at) FILTER (kind = 'hired') AS hired_at,
            max(occurred_at) FILTER (kind = 'left') AS left_at,
            max(occurred_at) FILTER (kind = 'unsubscribed' OR kind = 'withdrew_consent'
                AND coalesce(purpose, 'nurture') = 'nurture') AS stopped_at
        FROM people LEFT JOIN past ON candidate_id = people.id GROUP BY people.id""",
    "pool": """
        SELECT people.*, newest.* EXCLUDE (id), agreed_at,
            (SELECT max(occurred_at) FROM acts WHERE candidate_id = people.id) AS acted_at,
            hired_at IS NOT NULL AND coalesce(left_at < hired_at, true) AS works_here,
            agreed_at IS NOT NULL AND coalesce(now < expires_at, true)
                AND coalesce(agreed_at > stopped_at, true) AS consents
        FROM ask, people JOIN newest USING (id) LEFT JOIN agreed ON candidate_id = id""",
    "usable": """
        SELECT DISTINCT addresses.candidate_id FROM addresses JOIN pool
          ON pool.id = addresses.candidate_id
        WHERE NOT suppressed
          AND NOT EXISTS (
              SELECT * FROM past WHERE kind = 'complained'
                 AND candidate_id = addresses.candidate_id
                 AND coalesce(channel, 'email') = addresses.channel
                 AND coalesce(agreed_at <= occurred_at, true))
          AND NOT EXISTS (
              SELECT * FROM responses AS bounce WHERE kind = 'bounced'
                 AND candidate_id = addresses.candidate_id
                 AND coalesce(channel, 'email') = addresses.channel
                 AND lower(coalesce(bounce.address, addresses.address)) = lower(addresses.address)
                 AND NOT EXISTS (
                     SELECT * FROM past AS again WHERE again.kind = 'verified'
                        AND again.candidate_id = bounce.candidate_id
                        AND lower(again.address) = lower(addresses.address)
                        AND again.occurred_at > bounce.occurred_at))""",
    "healthy": """
        SELECT pool.*, coalesce(acted_at > opens, false) AS active,
            coalesce(now - confirmed_at < 91 * day, false) AS fresh,
            NOT do_not_contact AND (stopped_at IS NULL OR consents)
                AND id IN (SELECT candidate_id FROM usable) AS reachable,
            (now - greatest(acted_at, contacted_at)) // day AS days
        FROM pool, ask WHERE NOT erased AND NOT works_here""",
    # At one instant: a message, what became of it, acts. A bounce takes back one message before.
    "walk": """
        SELECT candidate_id, occurred_at, id, 0 AS rank, 1 AS sent, 0 AS delivered FROM messages
        UNION ALL
        SELECT candidate_id, occurred_at, id, if(kind = 'delivered', 1, 2),
            if(kind = 'delivered', 0, -1), if(kind = 'delivered', 1, -1)
        FROM past WHERE kind IN ('delivered', 'bounced')
        UNION ALL SELECT candidate_id, occurred_at, id, 3, 0, 0 FROM acts""",
    "strides": """
        SELECT *, coalesce(sum((rank = 3)::INT) OVER (
            PARTITION BY candidate_id ORDER BY occurred_at, rank, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS stride FROM walk""",
    # A sum, less the least that it ever was below nothing: it stops at 0 and goes on from there.
    "sums": """
        SELECT * REPLACE (
            sum(sent) OVER so_far AS sent, sum(delivered) OVER so_far AS delivered)
        FROM strides WINDOW so_far AS (
            PARTITION BY candidate_id, stride ORDER BY occurred_at, rank, id
            ROWS UNBOUNDED PRECEDING)""",
    "unanswered": """
        SELECT *, greatest(
            sent - least(0, min(sent) OVER so_far),
            delivered - least(0, min(delivered) OVER so_far)) AS silence
        FROM sums WINDOW so_far AS (
            PARTITION BY candidate_id, stride ORDER BY occurred_at, rank, id
            ROWS UNBOUNDED PRECEDING)""",
    # The first message in the window that somebody got while cold, and whether they came back.
    "woken": """
        WITH before AS (
            SELECT *, coalesce(lag(silence) OVER (
                PARTITION BY candidate_id, stride ORDER BY occurred_at, rank, id), 0) AS silent
            FROM unanswered)
        SELECT before.candidate_id, cadence, EXISTS (
            SELECT * FROM acts WHERE acts.candidate_id = before.candidate_id
               AND acts.occurred_at >= before.occurred_at) AS back
        FROM ask, before JOIN messages USING (id)
        WHERE inside AND silent >= cold_after
        QUALIFY row_number() OVER (
            PARTITION BY before.candidate_id ORDER BY before.occurred_at, id) = 1""",
    "firsts": """
        SELECT candidate_id, min(occurred_at) AS written_at FROM messages GROUP BY candidate_id""",
    "applications": """
        SELECT candidate_id, past.occurred_at, past.occurred_at > written_at AS late
        FROM ask, past JOIN firsts USING (candidate_id)
        WHERE kind = 'applied' AND occurred_at > opens""",
    # Who applied or was interviewed, when last, and whether anything came of it.
    "asked": """
        WITH newest AS (
            SELECT candidate_id, max(occurred_at) AS asked_at FROM past
            WHERE kind IN ('applied', 'interviewed') GROUP BY candidate_id)
        SELECT *, now - asked_at < 14 * day AS recent, EXISTS (
            SELECT * FROM past WHERE past.candidate_id = newest.candidate_id
               AND occurred_at >= asked_at
               AND (kind IN ('messaged', 'called', 'met', 'screened', 'assessed', 'offered',
                             'rejected', 'withdrew', 'hired')
                    OR kind = 'sent' AND enrollment_id IS NULL
                       AND automated IS NOT TRUE)) AS answered
        FROM newest, ask WHERE asked_at > opens""",
    # Steps of processes, in order; of one instant, what ends a process comes last.
    "steps": """
        SELECT *, row_number() OVER (
            PARTITION BY candidate_id ORDER BY occurred_at, ends, id) AS step
        FROM (SELECT *, kind IN ('rejected', 'withdrew', 'hired') AS ends FROM past
            WHERE kind IN ('applied', 'screened', 'assessed', 'interviewed', 'offered',
                           'rejected', 'withdrew', 'hired'))""",
    # Each first step with the end that came next for its role; an end of no role is of all.
    "considered": """
        SELECT candidate_id, role_id, ended_at, min(occurred_at) AS began_at FROM (
            SELECT first.*, (
                SELECT arg_min(occurred_at, step) FROM steps AS last
                WHERE last.ends AND last.candidate_id = first.candidate_id
                  AND last.step > first.step
                  AND (last.role_id IS NULL OR last.role_id IS NOT DISTINCT FROM first.role_id)
                ) AS ended_at, (
                SELECT min(step) FROM steps AS last
                WHERE last.ends AND last.candidate_id = first.candidate_id
                  AND last.step > first.step
                  AND (last.role_id IS NULL OR last.role_id IS NOT DISTINCT FROM first.role_id)
                ) AS end_step
            FROM steps AS first WHERE NOT ends)
        GROUP BY candidate_id, role_id, end_step, ended_at""",
    "reached": """
        SELECT candidate_id, known_at, known_at > opens AS inside,
            strftime(make_timestamp(known_at), '%Y-%m') AS month,
            coalesce(bool_or(kind IN ('sent', 'messaged', 'called', 'met')), false) AS contacted,
            candidate_id IN (SELECT candidate_id FROM acts) AS engaged,
            bool_or(kind = 'applied') AS applied, bool_or(kind = 'interviewed') AS interviewed,
            bool_or(kind = 'offered') AS offered, bool_or(kind = 'hired') AS hired
        FROM ask, known JOIN past USING (candidate_id) GROUP BY candidate_id, known_at, opens""",
    # A role that opens later does not exist yet.
    "opened": "SELECT roles.* FROM ask, roles WHERE coalesce(opened_at <= now, true)",
    # The newest application for the role; one without a role is for any.
    "hires": """
        SELECT hire.*, known_at,
            (SELECT max(a.occurred_at) FROM past AS a
             WHERE a.kind = 'applied' AND a.candidate_id = hire.candidate_id
               AND a.occurred_at <= hire.occurred_at
               AND coalesce(a.role_id = hire.role_id, true)) AS applied_at,
            (SELECT min(l.occurred_at) FROM past AS l
             WHERE l.kind = 'left' AND l.candidate_id = hire.candidate_id
               AND l.occurred_at >= hire.occurred_at) AS ended_at
        FROM (
            SELECT id, candidate_id, role_id, occurred_at, lag(occurred_at) OVER (
                PARTITION BY candidate_id, role_id ORDER BY occurred_at, id) AS held_since
            FROM past WHERE kind = 'hired'
        ) AS hire JOIN known USING (candidate_id)""",
    # What is earlier than the application (than the hire, without one), without machines.
    "touched": """
        SELECT hires.id,
            max(past.occurred_at) FILTER (kind IN ('sent', 'messaged', 'called', 'met'))
                AS touched_at,
            first(kind ORDER BY past.occurred_at, past.id) FILTER (kind IN (
                'sent', 'messaged', 'called', 'met', 'sourced',
                'applied', 'signed_up', 'attended', 'referred', 'visited', 'replied')) AS oldest,
            last(kind ORDER BY past.occurred_at, past.id) FILTER (kind IN (
                'sent', 'messaged', 'called', 'met', 'replied', 'clicked',
                'applied', 'signed_up', 'attended', 'referred', 'visited')) AS newest
        FROM hires JOIN past ON past.candidate_id = hires.candidate_id
         AND past.occurred_at < coalesce(applied_at, hires.occurred_at)
        WHERE automated IS NOT TRUE GROUP BY hires.id""",
    "rules": """
        SELECT id, touched_at IS NOT NULL AS any_touch,
            coalesce(touched_at >= coalesce(applied_at, occurred_at) - span, false) AS within_span,
            touched_at IS NOT NULL
                AND oldest IN ('sent', 'messaged', 'called', 'met', 'sourced') AS first_touch,
            touched_at IS NOT NULL AND newest IN (
                'sent', 'messaged', 'called', 'met', 'replied', 'clicked') AS last_touch
        FROM ask, hires LEFT JOIN touched USING (id)""",
    "parted": """
        SELECT hires.*, rules.* EXCLUDE (id), occurred_at > opens AS inside,
            occurred_at > opens - 365 * day AS lately,
            held_since IS NOT NULL AND NOT EXISTS (
                SELECT * FROM past WHERE kind = 'left'
                   AND past.candidate_id = hires.candidate_id
                   AND past.occurred_at > held_since
                   AND past.occurred_at <= hires.occurred_at) AS again,
            CASE rule WHEN 'any' THEN any_touch WHEN 'within' THEN within_span
                WHEN 'first' THEN first_touch WHEN 'last' THEN last_touch END AS crm
        FROM ask, hires JOIN rules USING (id)""",
    "judged": """
        SELECT parted.*, opened_at, CASE
            WHEN again THEN 'hires logged twice'
            WHEN role_id IS NULL THEN 'hires that name no role'
            WHEN roles.id IS NULL THEN 'hires of unknown roles'
            WHEN opened_at IS NULL THEN 'hires for roles without an opening date'
            WHEN occurred_at < opened_at THEN 'hires before their role opened'
            END AS why_not
        FROM parted LEFT JOIN opened AS roles ON roles.id = role_id""",
    "filling": """
        SELECT *, row_number() OVER (
            PARTITION BY role_id ORDER BY occurred_at, candidate_id) AS place
        FROM judged WHERE why_not IS NULL""",
    "openings": """
        SELECT roles.*, filling.crm, filling.applied_at, filling.id IS NOT NULL AS filled,
            coalesce(occurred_at, if(closed_at <= now, closed_at, now)) - roles.opened_at
                AS lasted,
            filling.id IS NULL AND coalesce(closed_at <= now, false) AS closed
        FROM ask, roles LEFT JOIN filling ON role_id = roles.id AND place = 1
        WHERE roles.opened_at > opens AND roles.opened_at <= now""",
    "stays": """
        SELECT crm, coalesce(ended_at, now) - occurred_at AS lasted, ended_at IS NOT NULL AS ended
        FROM ask, parted WHERE lately AND NOT again""",
    "made": "SELECT * FROM parted WHERE inside AND NOT again",
}
"""What is worked out on the way to the answers, each from those before it."""
