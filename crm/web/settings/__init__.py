"""Settings: one's own account, API tokens, staff."""
