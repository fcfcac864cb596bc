#!/bin/sh
# The image makes a superuser, which row-level security does not bind. Aerie gets a role of its own that owns its database.
# Files like this are read into the image's own script, so nothing here changes how that goes on.
(
  set -eu
  psql --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set=password="$(cat "${PASSWORD_FILE:-/etc/postgres/password}")" <<'SQL'
create role aerie login nosuperuser nocreatedb nocreaterole nobypassrls password :'password';
create database aerie owner aerie;
SQL
) || exit 1
