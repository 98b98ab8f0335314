"""The Django application: what is connected once at the start."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CrmConfig(AppConfig):
    """Community CRM."""

    name = "crm"
    verbose_name = "Community CRM"

    def ready(self) -> None:
        """Register the checks; listen for sign-ins; see to it that roles exist after each migration."""
        from crm import checks, staff
        from crm.web import presence, sign_in_log

        checks.register_all()
        presence.connect()
        sign_in_log.connect()
        post_migrate.connect(staff.sync_roles, sender=self, dispatch_uid="crm.roles")
