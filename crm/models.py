"""The one thing of ours that stands in the staff database: API tokens. Staff accounts, groups and sessions are Django's own."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiToken(models.Model):
    """A key to the JSON API. Its secret is shown once; only `digest`, the SHA-256 of it, is kept.

    A plain hash is right here, unlike for passwords: the secret is 256 random bits, so there is nothing to guess and
    nothing a slow hash would add but time on every request. `expires_at` None: it holds until it is revoked.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="The first characters of the secret, by which one knows it again.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def holds(self, now: datetime) -> bool:
        """Whether the token itself is good at `now`, whatever its owner may do."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
