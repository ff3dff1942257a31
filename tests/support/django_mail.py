"""E-mail back ends of Django, made as the installed Django wants them made."""

from django.conf import settings
from django.core import mail
from django.test import override_settings

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"

if not settings.configured:
    settings.configure()


def by_default(path, **options):
    """Let the settings name a back end, while the context that is returned is open."""
    if hasattr(mail, "mailers"):  # from Django 6.1 on
        return override_settings(MAILERS={"default": {"BACKEND": path, "OPTIONS": options}})
    return override_settings(EMAIL_BACKEND=path)


def backend(path, **options):
    """Return a back end."""
    if hasattr(mail, "mailers"):
        with by_default(path, **options):
            return mail.mailers.default
    return mail.get_connection(path, **options)
