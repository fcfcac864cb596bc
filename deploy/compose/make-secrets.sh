#!/bin/sh
# Makes deploy/secrets once; what is there already is kept. Needs openssl. Containers read the files as their own user;
# nobody else gets into the folder.
set -eu
cd "$(dirname "$0")/.."
umask 022
mkdir -p secrets
chmod 0700 secrets
[ -s secrets/server-secret ] || openssl rand -hex 32 > secrets/server-secret
for role in gateway pipeline; do
  [ -s "secrets/identity-$role.pem" ] || openssl genpkey -algorithm ed25519 -out "secrets/identity-$role.pem"
  openssl pkey -in "secrets/identity-$role.pem" -pubout -out "secrets/identity-$role.pub.pem"
done
chmod 0444 secrets/*
echo "made what was missing in deploy/secrets; keep a copy of server-secret elsewhere: without it letters and mails cannot be read"
