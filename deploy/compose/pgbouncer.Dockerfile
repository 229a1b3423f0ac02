# PgBouncer as Debian 13 has it: 1.24, which knows prepared statements in transaction mode.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10002 --no-create-home --shell /usr/sbin/nologin eventship-pgbouncer
USER 10002
EXPOSE 6432
