"""A pool exported to DuckDB, as a host would, and asked in SQL."""

import duckdb
from metric_pools import COSTS, LEVELS, NOW, WINDOW
from metrics_questions import QUESTIONS
from metrics_sql import STEPS, TABLES

from crmkit._time import micros
from crmkit.engagement import DEFAULT
from crmkit.metrics import Attribution

ANY = Attribution()


def _micros(instant):
    return None if instant is None else micros(instant)


def _fact(fact, who):
    stated = fact.properties
    texts = {name: stated.get(name) for name in ("cadence", "variant", "purpose", "address")}
    return {
        "id": fact.id,
        "candidate_id": who,
        "kind": fact.kind,
        "occurred_at": micros(fact.at),
        "channel": fact.channel and fact.channel.value,
        "outcome": fact.outcome,
        "automated": fact.automated,
        "role_id": fact.role_id,
        "enrollment_id": fact.enrollment_id,
        "touch": fact.touch,
        "rotation": fact.rotation,
        **{name: text if isinstance(text, str) else None for name, text in texts.items()},
        "expires_at": _micros(stated.get("expires_at")),
        "simulated": stated.get("simulated") is True,
    }


def _candidate(one, ratings):
    person = one.candidate
    return {
        "id": one.id,
        "erased": person.erased,
        "do_not_contact": person.do_not_contact,
        "simulated": person.custom.get("simulated") is True,
        "source": person.source and person.source.value,
        "rating": ratings.get(one.id),
    }


def _addresses(one):
    person = one.candidate
    links = [link for link in person.links if "linkedin." in link]
    for channel, known in (("email", person.emails), ("phone", person.phones), ("linkedin", links)):
        for address in known:
            silent = address in one.suppressed
            yield {
                "candidate_id": one.id,
                "channel": channel,
                "address": address,
                "suppressed": silent,
            }


def _role(role):
    opened_at, closed_at = _micros(role.opened_at), _micros(role.closed_at)
    return {"id": role.id, "opened_at": opened_at, "closed_at": closed_at}


def export(pool, now, window, policy, attribution):
    """Return the rows of every table."""
    return {
        "candidates": [_candidate(one, pool.ratings) for one in pool.people],
        "addresses": [row for one in pool.people for row in _addresses(one)],
        "facts": [_fact(fact, one.id) for one in pool.people for fact in one.history],
        "roles": [_role(role) for role in pool.roles],
        "members": [
            {"segment": name, "candidate_id": who}
            for name, inside in pool.segments.items()
            for who in inside
        ],
        "levels": [
            {"cadence": cadence, "touch": touch, "level": str(level)}
            for cadence, touches in LEVELS.items()
            for touch, level in touches.items()
        ],
        "weights": [{"kind": kind, "weight": weight} for kind, weight in policy.weights.items()],
        "costs": [{"crm": COSTS.crm, "cold": COSTS.cold}],
        "ask": [
            {
                "now": micros(now),
                "opens": micros(now - window),
                "day": 24 * 60 * 60 * 1_000_000,
                "cold_after": policy.cold_after,
                "span": round(attribution.span.total_seconds() * 1_000_000),
                "rule": attribution.rule.value,
            }
        ],
    }


class Database:
    """One pool at a time, and the answers to `QUESTIONS` about it."""

    def __init__(self):
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        # What DuckDB has for it, count_if, is unknown of nothing instead of 0.
        self.rows("CREATE TEMP MACRO how_many(test) AS count(*) FILTER (test)")

    def load(self, pool, *, now=NOW, window=WINDOW, policy=DEFAULT, attribution=ANY):
        """Take a pool in the place of the one before."""
        for table, rows in export(pool, now, window, policy, attribution).items():
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS "
                f"SELECT unnest(?::STRUCT({TABLES[table]})[], recursive := true)",
                [rows],
            )
        for table, query in STEPS.items():
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
        return self

    def rows(self, query):
        """Return what a query finds."""
        return self._connection.execute(query).fetchall()

    def answer(self, name):
        """Return what one of the `QUESTIONS` finds."""
        return self.rows(QUESTIONS[name])
