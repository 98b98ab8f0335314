"""How gunicorn serves the site: a few processes with a few threads each.

`preload_app` stays off: each process opens its own DynamoDB client, after the fork.
"""

import os

bind = f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 8
limit_request_line = 8190  # the address of a list is its filter, and a filter may have many values
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeats must not wait for a disk
timeout = 60
graceful_timeout = 20
loglevel = "warning"
control_socket_disable = True
