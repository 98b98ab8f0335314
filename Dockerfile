# One image for web, worker and the local engine; `test` adds what the tests need.
FROM python:3.12-slim-bookworm AS app

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    CRM_ENGINE_HOME=/opt/engine CRM_ENV_FILE=/app/var/env

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install -r requirements.txt

COPY . .
RUN python -c "from crm.localdb import engine_binary; engine_binary()" \
 && DEBUG=0 SECRET_KEY=build LINK_KEY=only-for-the-build ALLOWED_HOSTS=localhost PUBLIC_URL=https://localhost \
    python manage.py collectstatic --noinput --verbosity 0 \
 && useradd --system --home-dir /app --shell /usr/sbin/nologin crm \
 && mkdir -p var && chown -R crm:crm var

USER crm
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as u; host = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].lstrip('.*') or 'localhost'; u.urlopen(u.Request('http://127.0.0.1:8000/readyz', headers={'Host': host}), timeout=4)"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "crmsite.wsgi"]

FROM app AS test
USER root
RUN apt-get update && apt-get install -y --no-install-recommends chromium make && rm -rf /var/lib/apt/lists/*
COPY requirements-dev.txt ./
RUN pip install -r requirements-dev.txt && chown -R crm:crm /app
USER crm
CMD ["python", "-m", "pytest", "-n", "2", "--dist", "loadfile"]

FROM app
