"""Senders: where messages go. Each is a module of its own."""

from crmkit.senders.django import DjangoSender
from crmkit.senders.maildir import MaildirSender
from crmkit.senders.memory import MemorySender
from crmkit.senders.smtp import SMTPSender

__all__ = ["DjangoSender", "MaildirSender", "MemorySender", "SMTPSender"]
