"""JSON for scripts: the mission's calls under /api, described by OpenAPI."""
