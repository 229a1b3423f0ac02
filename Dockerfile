# One image, three roles by its first argument: api, worker, migrate. `--target simulator` builds an image of the simulator.
# Bases are named by tag. To be held to bytes that you have looked at, build with what your registry says they are:
#   docker build --build-arg PYTHON_IMAGE=python@sha256:… --build-arg NODE_IMAGE=node@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim
ARG NODE_IMAGE=node:22-slim

# pip stays behind in a stage that is not shipped, and installs into an environment without one.
FROM ${PYTHON_IMAGE} AS installer
RUN python -m venv /opt/pip && python -m venv --without-pip /opt/venv

FROM installer AS packages
COPY requirements.lock .
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && /opt/pip/bin/pip --python /opt/venv/bin/python check

FROM installer AS simulator-packages
COPY packages/salesforce-simulator/requirements.lock .
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && /opt/pip/bin/pip --python /opt/venv/bin/python check

FROM ${NODE_IMAGE} AS console
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev
COPY web .
RUN npm run build

FROM ${PYTHON_IMAGE} AS service
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 BIND=0.0.0.0 PORT=8000 \
    HEALTH_PORT=9090
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
EXPOSE 8000 9090
# What `build_info` in the metrics says: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=unknown
ENV BUILD_REVISION=$REVISION
# For every role: it looks at what process 1 is. A worker is judged by its heartbeat; Postgres that is away is no illness.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "app.cli.healthy"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["eventship-salesforce"]
CMD ["api"]

FROM ${PYTHON_IMAGE} AS simulator
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin simulator
WORKDIR /srv
COPY --from=simulator-packages /opt/venv /opt/venv
COPY packages/salesforce-simulator/src/salesforce_simulator salesforce_simulator
USER 10001
EXPOSE 8100
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "salesforce_simulator.healthy"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "salesforce_simulator"]
CMD ["--host", "0.0.0.0", "--base-url", "http://simulator:8100"]

FROM service
