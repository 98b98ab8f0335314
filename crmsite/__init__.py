"""The Django project: settings, addresses and the WSGI door; nothing else."""
