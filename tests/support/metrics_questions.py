"""The questions that SQL answers about a pool, each from what `metrics_sql` works out before."""

SHARES = """
    SELECT 'pipeline_size' AS name, count(*) AS part, NULL AS whole FROM healthy
    UNION ALL SELECT 'active_share', how_many(active), count(*) FROM healthy
    UNION ALL SELECT 'freshness', how_many(fresh), count(*) FROM healthy
    UNION ALL SELECT 'reachable_share', how_many(reachable), count(*) FROM healthy
    UNION ALL SELECT 'consent_share', how_many(consents), count(*) FROM healthy
    UNION ALL SELECT 'time_since_contact', NULL, count(days) FROM healthy
    UNION ALL SELECT 'engagement_rate', how_many(opened OR clicked), count(*) FROM mailed
    UNION ALL SELECT 'open_rate', how_many(opened), count(*) FROM mailed
    UNION ALL SELECT 'click_rate', how_many(clicked), count(*) FROM mailed
    UNION ALL SELECT 'reply_rate', how_many(replied), count(*) FROM mailed
    UNION ALL SELECT 'conversion_rate', (SELECT count(DISTINCT candidate_id) FROM applications
        WHERE late), (SELECT count(*) FROM firsts)
    UNION ALL SELECT 're_engagement_rate', how_many(back), count(*) FROM woken
    UNION ALL SELECT 'bounce_rate', how_many(bounced), count(*) FROM fates
        WHERE inside AND channel = 'email'
    UNION ALL SELECT 'unsubscribe_rate', how_many(unsubscribed), count(*) FROM fates
        WHERE inside AND channel = 'email'
    UNION ALL SELECT 'complaint_rate', how_many(complained), count(*) FROM fates
        WHERE inside AND channel = 'email'
    UNION ALL SELECT 'silence_rate', how_many(NOT answered), count(*) FROM asked WHERE NOT recent
    UNION ALL SELECT 'crm_hire_share', how_many(crm), count(*) FROM made
    UNION ALL SELECT 'rediscovered_share', how_many(known_at < opened_at), count(*)
        FROM judged WHERE inside AND NOT again AND crm AND opened_at IS NOT NULL
    UNION ALL SELECT 'Gem reply_rate', how_many(replied), count(*) FROM mailed
        WHERE opened OR clicked OR replied
    UNION ALL SELECT 'Greenhouse open_rate', how_many(opened), count(*) FROM mailed
    UNION ALL SELECT 'Ashby time_to_hire', NULL, how_many(ended_at > opens) FROM considered, ask
    UNION ALL SELECT 'Greenhouse reply_rate', how_many(replied), count(*) FROM mailed
    UNION ALL SELECT 'Ashby open_rate', how_many(opened), count(*) FROM mailed WHERE reached
    UNION ALL SELECT 'Ashby click_rate', how_many(clicked), count(*) FROM mailed WHERE reached
    UNION ALL SELECT 'Lever reply_rate', how_many(replied), count(*) FROM written
"""

LEFT_OUT = """
    SELECT 'pipeline_size' AS name, 'people erased' AS what, count(*) AS number
        FROM people WHERE erased
    UNION ALL SELECT 'pipeline_size', 'people who work here', count(*)
        FROM pool WHERE works_here AND NOT erased
    UNION ALL SELECT 'pipeline_size', 'people first heard of later', count(*)
        FROM candidates WHERE id NOT IN (SELECT id FROM people)
    UNION ALL SELECT 'time_since_contact', 'people never contacted', count(*)
        FROM healthy WHERE days IS NULL
    UNION ALL SELECT 'engagement_rate', 'messages on other channels than e-mail', count(*)
        FROM messages WHERE inside AND channel <> 'email'
    UNION ALL SELECT 'bounce_rate', 'messages on other channels than e-mail', count(*)
        FROM messages WHERE inside AND channel <> 'email'
    UNION ALL SELECT 'engagement_rate', 'machine-made ' || CASE kind WHEN 'opened' THEN 'opens'
        WHEN 'clicked' THEN 'clicks' WHEN 'replied' THEN 'replies' ELSE 'unsubscriptions' END,
        count(*) FROM responses, ask WHERE machine AND occurred_at > opens GROUP BY kind
    UNION ALL SELECT 'engagement_rate', 'automatic replies', count(*)
        FROM past, ask WHERE kind = 'auto_replied' AND occurred_at > opens
    UNION ALL SELECT 'engagement_rate', what, count(*)
        FROM lost, ask WHERE occurred_at > opens GROUP BY what
    UNION ALL SELECT 'conversion_rate', 'applications before the first message', count(*)
        FROM applications WHERE NOT late
    UNION ALL SELECT 'silence_rate',
        'people who applied or were interviewed less than 14 days ago', count(*)
        FROM asked WHERE recent
    UNION ALL SELECT 'time_to_fill', why_not, count(*)
        FROM judged WHERE inside AND why_not IS NOT NULL GROUP BY why_not
    UNION ALL SELECT 'time_to_fill', 'further hires for a role', count(*)
        FROM filling WHERE inside AND place > 1
    UNION ALL SELECT name, 'hires logged twice', count(*) FROM parted, unnest([
        'time_to_hire', 'cost_per_hire', 'return_on_practice', 'crm_hire_share',
        'rediscovered_share']) AS _(name) WHERE again AND inside GROUP BY name
    UNION ALL SELECT name, 'hires logged twice', count(*)
        FROM parted, unnest(['quality_of_hire', 'performance_of_hire']) AS _(name)
        WHERE again AND lately GROUP BY name
    UNION ALL SELECT 'time_to_hire', 'hires without an application', count(*)
        FROM made WHERE applied_at IS NULL
    UNION ALL SELECT 'performance_of_hire', 'hires without a rating', count(*)
        FROM parted JOIN people ON people.id = candidate_id
        WHERE lately AND NOT again AND rating IS NULL
    UNION ALL SELECT 'rediscovered_share', 'hires whose role''s opening is unknown', count(*)
        FROM judged WHERE inside AND NOT again AND crm AND opened_at IS NULL
"""

NOTED = """
    SELECT 'pipeline_size' AS name, 'of them active' AS what, how_many(active) AS number
        FROM healthy
    UNION ALL SELECT 'pipeline_size', 'of them stale', how_many(NOT fresh) FROM healthy
    UNION ALL SELECT 'pipeline_size', 'of them unreachable', how_many(NOT reachable) FROM healthy
    UNION ALL SELECT 'pipeline_size', 'of them without consent', how_many(NOT consents)
        FROM healthy
    UNION ALL SELECT 'engagement_rate', 'of them clicked', how_many(clicked) FROM mailed
    UNION ALL SELECT 'time_to_fill', 'roles opened before the window, not counted', count(*)
        FROM roles, ask WHERE opened_at <= opens
    UNION ALL SELECT 'time_to_fill', 'of them closed without a hire', how_many(closed)
        FROM openings
    UNION ALL SELECT 'time_to_fill', 'roles not filled, dealt out to the sides',
        how_many(NOT filled) FROM openings
    UNION ALL SELECT 'time_to_fill',
        'hires without an application in the log, judged by the hire itself', count(*)
        FROM openings WHERE filled AND applied_at IS NULL
    UNION ALL SELECT 'quality_of_hire',
        'hires without an application in the log, judged by the hire itself', count(*)
        FROM parted WHERE lately AND NOT again AND applied_at IS NULL
    UNION ALL SELECT name, 'hires without an application in the log, judged by the hire itself',
        count(*) FROM made, unnest(['cost_per_hire', 'crm_hire_share']) AS _(name)
        WHERE applied_at IS NULL GROUP BY name
"""

_SIDE = "if(crm, 'CRM-sourced', 'cold')"

QUESTIONS = {
    "shares": SHARES,
    "left out": f"SELECT * FROM ({LEFT_OUT}) WHERE number > 0",
    "noted": f"SELECT * FROM ({NOTED}) WHERE number > 0",
    "people": "SELECT count(*), (SELECT count(*) FROM candidates) FROM people",
    "days since contact": """
        SELECT days, count(*) FROM healthy WHERE days IS NOT NULL GROUP BY days""",
    "median days since contact": "SELECT median(days) FROM healthy",
    "time to fill": """
        WITH sums AS (
            SELECT how_many(filled AND crm) AS crm, how_many(filled) AS filled FROM openings
        ), young AS (
            SELECT lasted, row_number() OVER (ORDER BY lasted, id) AS place
            FROM openings WHERE NOT filled
        ), dealt AS (
            SELECT lasted, (2 * place * sums.crm + sums.filled) // (2 * sums.filled)
                > (2 * (place - 1) * sums.crm + sums.filled) // (2 * sums.filled) AS crm
            FROM young, sums WHERE sums.filled > 0
        ), sides AS (
            SELECT if(crm, 'CRM-sourced', 'cold') AS side, filled, lasted FROM openings WHERE filled
            UNION ALL SELECT if(crm, 'CRM-sourced', 'cold'), false, lasted FROM dealt
            UNION ALL SELECT 'all roles', filled, lasted FROM openings
        )
        SELECT side, filled, lasted, count(*) FROM sides GROUP BY ALL""",
    "time in process": """
        SELECT 'all', ended_at IS NOT NULL, coalesce(ended_at, now) - began_at, count(*)
        FROM considered, ask WHERE began_at > opens GROUP BY ALL""",
    "stays": f"SELECT {_SIDE}, ended, lasted, count(*) FROM stays GROUP BY ALL",
    "time to hire": f"""
        SELECT {_SIDE}, occurred_at - applied_at, count(*)
        FROM made WHERE applied_at IS NOT NULL GROUP BY ALL""",
    "ratings": f"""
        SELECT {_SIDE}, rating, count(*) FROM parted JOIN people ON people.id = candidate_id
        WHERE lately AND NOT again AND rating IS NOT NULL GROUP BY ALL""",
    "hires by side": f"SELECT {_SIDE}, count(*) FROM made GROUP BY ALL",
    "saved": """
        SELECT how_many(made.crm) * costs.cold / how_many(NOT made.crm) - costs.crm
        FROM made, costs GROUP BY costs.crm, costs.cold HAVING how_many(NOT made.crm) > 0""",
    "sources": """
        SELECT coalesce(replace(source, '_', ' '), 'unknown'), count(*), how_many(crm)
        FROM made JOIN people ON people.id = candidate_id GROUP BY ALL""",
    "attribution": """
        SELECT how_many(any_touch), how_many(within_span), how_many(first_touch),
            how_many(last_touch), count(*)
        FROM made""",
    "funnel": """
        WITH heard AS (SELECT * FROM reached WHERE inside)
        SELECT 'captured', count(*), NULL FROM heard
        UNION ALL SELECT 'contacted', how_many(contacted), how_many(contacted) FROM heard
        UNION ALL SELECT 'engaged', how_many(engaged), how_many(engaged AND contacted) FROM heard
        UNION ALL SELECT 'applied', how_many(applied), how_many(applied AND engaged) FROM heard
        UNION ALL SELECT 'interviewed', how_many(interviewed), how_many(interviewed AND applied)
            FROM heard
        UNION ALL SELECT 'offered', how_many(offered), how_many(offered AND interviewed)
            FROM heard
        UNION ALL SELECT 'hired', how_many(hired), how_many(hired AND offered) FROM heard""",
    "before the window": "SELECT count(*) FROM reached WHERE NOT inside",
    "cohorts": """
        SELECT month, count(*), how_many(contacted), how_many(engaged), how_many(applied),
            how_many(interviewed), how_many(offered), how_many(hired)
        FROM reached GROUP BY month""",
    "messages": """
        SELECT cadence, touch, if(channel = 'email', NULL, channel), variant, opened, clicked,
            replied, bounced, complained, unsubscribed, count(*)
        FROM fates WHERE inside GROUP BY ALL""",
    "answers": "SELECT place, count(*) FROM answers GROUP BY place",
    "segments": """
        SELECT segment, count(*), how_many(opened OR clicked), how_many(clicked),
            how_many(replied)
        FROM members JOIN mailed USING (candidate_id) GROUP BY segment""",
    "campaigns": """
        SELECT coalesce(cadence, 'no cadence'), count(*), how_many(back) FROM woken GROUP BY ALL""",
    "waiting": """
        SELECT asked_at, candidate_id FROM asked WHERE NOT recent AND NOT answered
        ORDER BY ALL LIMIT 20""",
    "to refresh": """
        SELECT confirmed_at, id FROM healthy, ask WHERE active AND now - confirmed_at >= 91 * day
        ORDER BY ALL LIMIT 20""",
    "simulated": """
        WITH ranked AS (
            SELECT candidate_id, simulated,
                row_number() OVER (PARTITION BY candidate_id ORDER BY occurred_at, id) AS oldest,
                row_number() OVER (
                    PARTITION BY candidate_id, kind ORDER BY occurred_at DESC, id DESC) AS newest
            FROM past)
        SELECT count(*) FROM people WHERE simulated OR id IN (
            SELECT candidate_id FROM ranked WHERE simulated AND (oldest = 1 OR newest = 1))""",
}
"""What the answers are compared with, by name."""


def by(*names):
    """Return the SQL that counts messages by what they share, with each fate."""
    columns = {
        "channel": "channel",
        "cadence": "coalesce(fates.cadence, 'not stated')",
        "touch": "coalesce(fates.touch, 'not stated')",
        "variant": "coalesce(variant, 'not stated')",
        "level": "coalesce(level, 'not stated')",
    }
    return f"""
        SELECT {", ".join(columns[name] for name in names)}, count(*), how_many(opened),
            how_many(clicked), how_many(replied), how_many(bounced),
            how_many(unsubscribed), how_many(complained)
        FROM fates LEFT JOIN levels
          ON levels.cadence = fates.cadence AND levels.touch = fates.touch
        WHERE inside GROUP BY ALL"""
