"""Passwords, and what stands beside or instead of them: codes of an app, passkeys, codes on paper."""
