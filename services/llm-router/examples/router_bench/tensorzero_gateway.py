"""Starts the gateway that TensorZero's Python package holds, and writes its port into a file."""

import pathlib
import sys
import threading
import urllib.parse

from tensorzero import tensorzero

gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
pathlib.Path(sys.argv[2]).write_text(str(urllib.parse.urlparse(gateway.base_url).port))
threading.Event().wait()
