from typing import Any

from django.db import migrations
from django.db.models.functions import Lower


def lower(apps: Any, schema_editor: Any) -> None:
    """As `crm.staff.lower_address` does with each account that is kept from now on."""
    apps.get_model("auth", "User").objects.update(email=Lower("email"))


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("crm", "0005_profile_and_rule"),
    ]

    operations = [migrations.RunPython(lower, migrations.RunPython.noop)]
