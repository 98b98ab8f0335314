"""Community CRM."""

VERSION = "0.1.0"
