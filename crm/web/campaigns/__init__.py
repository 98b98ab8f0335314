"""Campaigns: write to a filter, see it go out, settle what went wrong."""
