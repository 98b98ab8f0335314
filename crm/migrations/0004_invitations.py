"""Open invitations, and the form that an API token was made with."""

import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import crm.models


class Migration(migrations.Migration):
    """One table, one column."""

    dependencies = [
        ("crm", "0003_preview_cache"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="form_id",
            field=models.UUIDField(help_text="Of the form it was made with: sent twice, it makes one.", null=True, unique=True),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.EmailField(max_length=254)),
                ("role", models.CharField(max_length=20)),
                ("mark", models.CharField(default=crm.models.new_mark, max_length=32, unique=True)),
                ("invited_by", models.CharField(help_text="A user name, as in the audit log.", max_length=150)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("address"), name="one_invitation_per_address")
                ],
            },
        ),
    ]
