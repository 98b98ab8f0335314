"""Signing in with more than a password: codes of an app, passkeys, codes on paper."""
