#!/bin/sh
# The image makes a superuser, which row-level security does not bind. Aerie gets a role of its own that owns its database.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set=password="$(cat /etc/postgres/password)" <<'SQL'
create role aerie login nosuperuser nocreatedb nocreaterole nobypassrls password :'password';
create database aerie owner aerie;
SQL
