"""What recruiting cost, in one currency."""

from collections.abc import Iterable

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields


def _amount(value: object) -> float:
    amount = fields.optional_amount(value)
    if amount is None:
        raise InvalidRecord("", "expected an amount, got nothing; state 0 if it is known to be 0")
    return amount


def _currency(value: object) -> str:
    code = fields.text(value)
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise InvalidRecord(
            "", f"expected a three-letter ISO 4217 code such as 'EUR', got {code!r}"
        )
    return code.upper()


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Costs:
    """What was spent within a scorecard's window, on each of the two ways to hire.

    Internal and external costs as ANSI/SHRM 06001.2012 divides them: internal are the
    recruiters' own time, tools and referral bonuses; external are agencies, advertisements and
    events. All four are asked for, in one currency: a cost left out would make a wrong figure
    look like a measured one.

    >>> costs = Costs(internal_crm=9_000, external_crm=3_000, internal_cold=8_000,
    ...               external_cold=24_000, currency="eur")
    >>> costs.crm, costs.cold, costs.currency
    (12000.0, 32000.0, 'EUR')
    """

    internal_crm: float = attrs.field(converter=_amount)
    external_crm: float = attrs.field(converter=_amount)
    internal_cold: float = attrs.field(converter=_amount)
    external_cold: float = attrs.field(converter=_amount)
    currency: str = attrs.field(converter=_currency)

    @property
    def crm(self) -> float:
        """What the people hired out of the CRM cost together."""
        return self.internal_crm + self.external_crm

    @property
    def cold(self) -> float:
        """What the people hired by cold sourcing cost together."""
        return self.internal_cold + self.external_cold


def total(costs: Iterable[Costs]) -> Costs | str:
    """Return the sum of costs, or, if they are not in one currency, why there is none.

    >>> euros = Costs(internal_crm=1, external_crm=0, internal_cold=0, external_cold=0,
    ...               currency="EUR")
    >>> total([euros, euros]).crm
    2.0
    >>> total([euros, attrs.evolve(euros, currency="USD")])
    'costs in EUR and USD cannot be added: state them in one currency'
    """
    costs = tuple(costs)
    currencies = sorted({each.currency for each in costs})
    if len(currencies) != 1:
        return f"costs in {' and '.join(currencies)} cannot be added: state them in one currency"
    return Costs(
        currency=currencies[0],
        **{
            name: sum(getattr(each, name) for each in costs)
            for name in ("internal_crm", "external_crm", "internal_cold", "external_cold")
        },
    )
