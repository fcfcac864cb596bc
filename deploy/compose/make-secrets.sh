#!/bin/sh
# Makes deploy/secrets once; what is there already is kept. Needs openssl, and the image that `docker compose build` made.
# Containers read the files as their own user; nobody else gets into the folder. Each service is given its own files only.
set -eu
cd "$(dirname "$0")/.."
umask 022
mkdir -p secrets
chmod 0700 secrets
[ -s secrets/server-secret ] || openssl rand -hex 32 > secrets/server-secret
[ -s secrets/certificates/ca.pem ] || docker run --rm --network none --user "$(id -u):$(id -g)" \
  --volume "$PWD/secrets:/out" --tmpfs /tmp aerie:0.1.0 certificates --out /out/certificates
# The authority's own key is for the next certificates, and for nobody else.
find secrets -type f ! -name ca.key -exec chmod 0444 {} +
echo "deploy/secrets is complete; keep a copy of server-secret elsewhere: without it letters and mails cannot be read"
