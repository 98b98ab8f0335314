"""What of ours stands in the staff database. Accounts, groups and sessions are Django's own, second factors allauth's."""

from datetime import datetime

from django.conf import settings
from django.core import signing
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import get_random_string

SALT = "crm.invitation"


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
    form_id = models.UUIDField(null=True, unique=True, help_text="Of the form it was made with: sent twice, it makes one.")

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def holds(self, now: datetime) -> bool:
        """Whether the token itself is good at `now`, whatever its owner may do."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_mark() -> str:
    """What only the link of one invitation knows."""
    return get_random_string(32)


class Invitation(models.Model):
    """Somebody who was asked to work here and has no account yet; gone once they have one, or nobody waits for them any more.

    `sent_at` None: no mail server has taken the letter with the link, so somebody has to hand it over.
    """

    address = models.EmailField(max_length=254)
    role = models.CharField(max_length=20)
    mark = models.CharField(max_length=32, unique=True, default=new_mark)
    invited_by = models.CharField(max_length=150, help_text="A user name, as in the audit log.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ()
        constraints = (models.UniqueConstraint(Lower("address"), name="one_invitation_per_address"),)

    def __str__(self) -> str:
        return f"{self.address} as {self.role}"

    @property
    def key(self) -> str:
        """What stands in the link: signed, so that who reads the database alone can't join."""
        return signing.Signer(salt=SALT, sep=".").sign(self.mark)

    @classmethod
    def of_key(cls, key: str) -> "Invitation | None":
        """The open invitation of a link; None where the key was made up, used, or withdrawn. It may be over: see `holds`."""
        try:
            mark = signing.Signer(salt=SALT, sep=".").unsign(key)
        except signing.BadSignature:
            return None
        return cls.objects.filter(mark=mark).first()

    def holds(self, now: datetime) -> bool:
        """Whether one may still join with it at `now`."""
        return now < self.expires_at


class Profile(models.Model):
    """What a member of staff chose for themselves. No row: nothing yet. `time_zone` empty: the organisation's."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user_id} in {self.time_zone or 'the zone of the organisation'}"


class SignInRule(models.Model):
    """What the organisation asks of everybody who signs in: one row at most. `second_factor` is a `second_factor.Who`."""

    second_factor = models.CharField(max_length=20)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"a second factor for {self.second_factor}"
