"""The Django application: what is connected once at the start."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_save


class CrmConfig(AppConfig):
    """Community CRM."""

    name = "crm"
    verbose_name = "Community CRM"

    def ready(self) -> None:
        """Register the checks; listen for sign-ins; see to it that roles exist after each migration."""
        from django.contrib.auth.models import User

        from crm import checks, staff
        from crm.web import presence, sign_in_log

        checks.register_all()
        presence.connect()
        sign_in_log.connect()
        pre_save.connect(staff.lower_address, sender=User, dispatch_uid="crm.address")
        post_migrate.connect(staff.sync_roles, sender=self, dispatch_uid="crm.roles")
