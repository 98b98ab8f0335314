"""The site's settings under a fixed environment, so that neither `.env` nor the shell decides how a test ends."""

import os
import tempfile

os.environ.update(
    CRM_ENV_FILE=os.devnull,
    DEBUG="1",
    SECRET_KEY="a key for tests alone",
    LINK_KEY="a link key for tests alone",
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    DATABASE_URL="sqlite://:memory:",
    DYNAMODB_ENDPOINT_URL="http://127.0.0.1:1",
    CRM_TABLE="CommunityApp",
    AWS_REGION="eu-west-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    EMAIL_URL=f"file://{tempfile.gettempdir()}/community-crm-tests-{os.getpid()}",
    PUBLIC_URL="http://testserver",
    CRM_TIME_ZONE="UTC",
    CRM_FILES=f"{tempfile.gettempdir()}/community-crm-tests-{os.getpid()}/files",
)
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
    os.environ.pop(name, None)

from crmsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""Passwords are hashed in no time: how long that takes is Django's to test."""
