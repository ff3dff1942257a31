"""What follows one message: drawn at once, to arrive in time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from crmkit.model import Channel
from crmkit.simulation._behaviour import Behaviour
from crmkit.simulation._luck import Luck

_SECOND = timedelta(seconds=1)


@attrs.frozen
class Coming:
    """A fact that is to arrive, unless what happens before it makes it moot."""

    at: datetime
    kind: str
    fields: dict[str, Any]
    mark: str | None = None
    """Which column of the touch's row is to say when."""


def after(at: datetime, within: timedelta, share: float) -> datetime:
    """Return the whole second that far into the span, at least one second after *at*."""
    return at + max(_SECOND, within * share // _SECOND * _SECOND)


@attrs.frozen(kw_only=True)
class Answers:
    """How one person takes their *place*-th message."""

    behaviour: Behaviour
    luck: Luck
    place: int
    reader: bool
    """Whether they read such mail at all."""
    liking: float
    """What level, temperature and touch multiply the chance of an answer by."""
    excess: int
    """Messages of the last weeks above what is bearable."""

    def _happens(self, what: str, chance: float) -> bool:
        return self._draw(what) < chance

    def _answers(self, what: str, base: float) -> bool:
        return self._happens(what, base * self.liking * self.behaviour.fatigue**self.excess)

    def _leaves(self, what: str, base: float) -> bool:
        return self._happens(what, base / self.liking * self.behaviour.annoyance**self.excess)

    def _draw(self, what: str) -> float:
        return self.luck.draw(what, self.place)

    def _after(self, at: datetime, within: timedelta, what: str) -> datetime:
        return after(at, within, self._draw(f"{what} after"))

    def come(self, at: datetime, channel: Channel, *, by_hand: bool) -> Iterator[Coming]:
        """Yield all that follows a message sent at *at*, in no order."""
        chances, mail = self.behaviour, channel is Channel.EMAIL
        seen = mail and not by_hand
        if seen:
            if self._happens("bounce", chances.bounces):
                bounced = after(at, timedelta(minutes=5), self._draw("bounce after"))
                yield Coming(
                    bounced, "bounced", {"automated": True, "outcome": "hard"}, "bounced_at"
                )
                return
            yield from self._machines(at)
        replies = self._answers("reply", self._reply_rate())
        applies = self._answers("apply", chances.applies)
        opened = self._after(at, chances.opens_within, "open")
        opens = replies or applies or self._answers("open", self._open_rate())
        if opens and seen:
            yield Coming(opened, "opened", {"automated": False}, "opened_at")
            yield from self._clicks(opened, applies=applies)
        if replies:
            yield self._reply(opened)
        if applies:
            applied = self._after(opened, chances.applies_within, "apply")
            yield Coming(
                applied, "applied", {"automated": False, "channel": Channel.WEB}, "applied_at"
            )
        if mail and self._happens("away", chances.auto_replies):
            yield self._away(at)
        if self._leaves("unsubscribe", chances.unsubscribes):
            left = self._after(at, chances.opens_within, "unsubscribe")
            yield Coming(left, "unsubscribed", {"automated": False}, "unsubscribed_at")
        elif mail and self._leaves("complain", chances.complaints):
            left = self._after(at, chances.opens_within, "complain")
            yield Coming(left, "complained", {"automated": False}, "unsubscribed_at")

    def _reply_rate(self) -> float:
        rates = self.behaviour.replies
        return rates[min(self.place, len(rates)) - 1]

    def _open_rate(self) -> float:
        return self.behaviour.opens if self.reader else self.behaviour.stray_opens

    def _machines(self, at: datetime) -> Iterator[Coming]:
        soon = after(at, timedelta(seconds=90), self._draw("machine after"))
        if self._happens("proxy", self.behaviour.machine_opens):
            yield Coming(soon, "opened", {"automated": True})
        if self._happens("scanner", self.behaviour.scanner_clicks):
            yield Coming(soon, "clicked", {"automated": True})

    def _clicks(self, opened: datetime, *, applies: bool) -> Iterator[Coming]:
        if applies or self._answers("click", self.behaviour.clicks):
            clicked = self._after(opened, self.behaviour.clicks_within, "click")
            yield Coming(clicked, "clicked", {"automated": False}, "clicked_at")

    def _reply(self, opened: datetime) -> Coming:
        chances = self.behaviour
        replied = self._after(opened, chances.replies_within, "reply")
        told: dict[str, Any] = {"automated": False, "outcome": "negative"}
        if self._happens("later", chances.later):
            until = replied + max(_SECOND, chances.later_after)
            told |= {"outcome": "later", "properties": {"until": until}}
        elif self._happens("positive", chances.positive):
            told["outcome"] = "positive"
        return Coming(replied, "replied", told, "replied_at")

    def _away(self, at: datetime) -> Coming:
        soon = after(at, timedelta(minutes=1), self._draw("away after"))
        until = after(soon, self.behaviour.away_within, self._draw("away until"))
        return Coming(soon, "auto_replied", {"automated": True, "properties": {"until": until}})
