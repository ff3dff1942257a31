"""What recruiting cost, in one currency."""

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
