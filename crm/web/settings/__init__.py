"""Settings: one's own account, API tokens, staff, mail, suppression list, audit log, background work, system."""
