"""What answers without sign-in: health, and the links inside e-mails."""
