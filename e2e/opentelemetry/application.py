#!/usr/bin/env python3
"""An application that is instrumented as described in OpenTelemetry's documentation, and does not know about contexts.

It has the arguments of `shop-service` and answers like it: with what it saw, after it has called its downstream services. The library
decides what is forwarded.
"""

import argparse
import json
import os
import socketserver
import sys
import threading
import urllib.error
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from opentelemetry import trace
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_port = True

    def server_bind(self):
        # Not that of HTTPServer, which looks up the name of the machine in DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def saw(environ):
    headers = {key[5:].lower().replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    shown = lambda name: name.startswith(("x-", "trace")) or name == "baggage"
    return {name: value for name, value in headers.items() if shown(name)}


def call(outbound, service, environ):
    path = environ.get("PATH_INFO", "/")
    if environ.get("QUERY_STRING"):
        path += "?" + environ["QUERY_STRING"]
    request = urllib.request.Request(f"http://{outbound}{path}", headers={"host": service})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    for name in ["--name", "--listen", "--outbound", "--calls"]:
        parser.add_argument(name, required=True)
    parser.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()
    calls = [service for service in arguments.calls.split(",") if service]

    def application(environ, start_response):
        answer = {"service": arguments.name, "saw": saw(environ)}
        for service in calls:
            answer["downstream_status"], answer["downstream"] = call(arguments.outbound, service, environ)
        body = json.dumps(answer).encode()
        start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
        return [body]

    trace.set_tracer_provider(TracerProvider())
    URLLibInstrumentor().instrument()
    host, port = arguments.listen.rsplit(":", 1)
    server = Server((host, int(port)), Handler)
    server.set_app(OpenTelemetryMiddleware(application))
    if arguments.until_stdin_closes:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
