"""Senders: where messages go. Each is a module of its own."""

from crmkit.senders.maildir import MaildirSender
from crmkit.senders.memory import MemorySender
from crmkit.senders.smtp import SMTPSender

__all__ = ["MaildirSender", "MemorySender", "SMTPSender"]
