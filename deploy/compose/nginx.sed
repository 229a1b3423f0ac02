# What deploy/nginx.conf is changed in for deploy/compose.yaml.
# max_fails=0: one refused connect while an API restarts takes it out for no one (docs/operations.md#stopping).
s|server 127\.0\.0\.1:8000;|server api-1:8000 max_fails=0; server api-2:8000 max_fails=0;|
s|/etc/nginx/eventship\.crt|/run/secrets/tls_crt|
s|/etc/nginx/eventship\.key|/run/secrets/tls_key|
s|/var/log/nginx/eventship\.log|/dev/stdout|
