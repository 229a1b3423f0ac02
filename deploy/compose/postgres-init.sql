-- Run once, by the superuser, when the database is made: roles without a login, and the logins that take them.
-- As `eventship-salesforce migrate --print-sql-for-dba` says; the owner's login needs no CREATEROLE then.
\set owner_password `cat /run/secrets/es_owner_password`
\set app_password `cat /run/secrets/es_app_password`
\set system_password `cat /run/secrets/es_system_password`
\set backup_password `cat /run/secrets/es_backup_password`

CREATE ROLE eventship_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE eventship_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE eventship_system NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE eventship_backup NOLOGIN NOSUPERUSER NOBYPASSRLS;
GRANT CREATE, USAGE ON SCHEMA public TO eventship_owner;
GRANT USAGE ON SCHEMA public TO eventship_app, eventship_system, eventship_backup;

CREATE ROLE es_owner LOGIN PASSWORD :'owner_password'
    IN ROLE eventship_owner, eventship_app, eventship_system, eventship_backup;
CREATE ROLE es_app LOGIN PASSWORD :'app_password' IN ROLE eventship_app;
CREATE ROLE es_system LOGIN PASSWORD :'system_password' IN ROLE eventship_system;
CREATE ROLE es_backup LOGIN PASSWORD :'backup_password' IN ROLE eventship_backup;

REVOKE CONNECT, TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO es_owner, es_app, es_system, es_backup;
