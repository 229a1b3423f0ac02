# What deploy/pgbouncer.ini is changed in for deploy/compose.yaml. The user list holds passwords, not hashes: both work.
s|host=postgres\.internal|host=postgres|
s|/etc/pgbouncer/userlist\.txt|/run/secrets/userlist|
$a unix_socket_dir =
