"""The table of the cache of previews, apart from the one in which limits on sign-in are counted."""

from django.core.management import call_command
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make it, unless it is there."""
    call_command("createcachetable", "preview_cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("crm", "0002_shared_cache")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
