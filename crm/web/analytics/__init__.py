"""What became of e-mails, and the first page."""
