"""Checks a JSON list of Kubernetes objects on standard input against the schemas of the versions that are named."""

import json
import sys
import warnings

import kubernetes_validate

warnings.simplefilter("ignore")
objects = json.load(sys.stdin)
found = 0
for version in sys.argv[1:]:
    for value in objects:
        try:
            kubernetes_validate.validate(value, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found += 1
            words = getattr(error, "message", error)
            print(f"{version}: {value['kind']} {value['metadata']['name']}: {words}")
print(f"{len(objects)} objects, {len(sys.argv) - 1} versions, {found} faults")
sys.exit(1 if found or not objects else 0)
