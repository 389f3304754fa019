"""Planted security holes that were written after the rules."""

from __future__ import annotations

from .case import Case

HOLES = (
    Case(
        "exec of a file",
        """
def load(path):
    with open(path) as stream:
        exec(stream.read())
""",
        """
import json

def load(path):
    with open(path) as stream:
        return json.load(stream)
""",
    ),
    Case(
        "import of any module by name",
        """
def plugin(name):
    return __import__(name).run()
""",
        """
import plugins

KNOWN = {"plain": plugins.plain}

def plugin(name):
    return KNOWN[name].run()
""",
    ),
    Case(
        "SQL by format",
        """
def find(cursor, name):
    cursor.execute("SELECT id FROM users WHERE name = '{}'".format(name))
    return cursor.fetchone()
""",
        """
def find(cursor, name):
    cursor.execute("SELECT id FROM users WHERE name = ?", (name,))
    return cursor.fetchone()
""",
    ),
    Case(
        "SQL by f-string, in a variable",
        """
def drop(cursor, table):
    statement = f"DROP TABLE {table}"
    cursor.execute(statement)
""",
        """
STATEMENTS = {"old": "DROP TABLE old", "new": "DROP TABLE new"}

def drop(cursor, table):
    statement = STATEMENTS[table]
    cursor.execute(statement)
""",
    ),
    Case(
        "SQL made by a function of its own",
        """
def quoted(name):
    return "'" + name + "'"

def clause(name):
    return " WHERE name = " + quoted(name)

def find(cursor, name):
    cursor.execute("SELECT id FROM users".__add__(clause(name)))
""",
        """
def clause():
    return " WHERE name = ?"

def find(cursor, name):
    cursor.execute("SELECT id FROM users".__add__(clause()), (name,))
""",
    ),
    Case(
        "command over ssh",
        """
import paramiko

def remote(client: paramiko.SSHClient, folder):
    return client.exec_command("ls " + folder)
""",
        """
import paramiko

def remote(client: paramiko.SSHClient, folder):
    return client.open_sftp().listdir(folder)
""",
    ),
    Case(
        "any host key is taken",
        """
import paramiko

def connected(host):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy)
    client.connect(host)
    return client
""",
        """
import paramiko

def connected(host):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host)
    return client
""",
    ),
    Case(
        "archive unpacked wherever it says",
        """
import tarfile

def unpack(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder)
""",
        """
import tarfile

def unpack(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
""",
    ),
    Case(
        "XML that grows",
        """
from xml.etree.ElementTree import fromstring

def tree(text):
    return fromstring(text)
""",
        """
from defusedxml.ElementTree import fromstring

def tree(text):
    return fromstring(text)
""",
    ),
    Case(
        "MD5 as a signature",
        """
import hashlib

def signature(data, key):
    return hashlib.md5(key + data).hexdigest()
""",
        """
import hmac

def signature(data, key):
    return hmac.digest(key, data, "sha256").hex()
""",
    ),
    Case(
        "token from a guessable generator",
        """
import random

def token():
    return "".join(random.choice("0123456789abcdef") for _ in range(32))
""",
        """
import secrets

def token():
    return secrets.token_hex(16)
""",
    ),
    Case(
        "the debugger for every visitor",
        """
from flask import Flask

app = Flask(__name__)

def main():
    app.run(debug=True)
""",
        """
from flask import Flask

app = Flask(__name__)

def main():
    app.run()
""",
    ),
    Case(
        "listening on every interface",
        """
import socket

def listening():
    server = socket.socket()
    server.bind(("0.0.0.0", 8000))
    return server
""",
        """
import socket

def listening():
    server = socket.socket()
    server.bind(("127.0.0.1", 8000))
    return server
""",
    ),
    Case(
        "file that anyone may write",
        """
import os

def share(path):
    os.chmod(path, 0o777)
""",
        """
import os

def share(path):
    os.chmod(path, 0o640)
""",
    ),
    Case(
        "name of a temporary file that can be taken",
        """
import tempfile

def scratch():
    return open(tempfile.mktemp(), "w")
""",
        """
import tempfile

def scratch():
    return tempfile.NamedTemporaryFile("w")
""",
    ),
    Case(
        "errors passed over in silence",
        """
def verified(check, message):
    try:
        check(message)
    except Exception:
        pass
    return True
""",
        """
def verified(check, message):
    try:
        check(message)
    except ValueError:
        return False
    return True
""",
    ),
    Case(
        "page without escaping",
        """
from jinja2 import Environment

def page(text, **values):
    return Environment(autoescape=False).from_string(text).render(**values)
""",
        """
from jinja2 import Environment

def page(text, **values):
    return Environment(autoescape=True).from_string(text).render(**values)
""",
    ),
    Case(
        "attributes set from a request",
        """
def update(user, request):
    for name, value in request.form.items():
        setattr(user, name, value)
""",
        """
def update(user, request):
    for name in ("city", "street"):
        setattr(user, name, request.form[name])
""",
    ),
    Case(
        "secrets compared letter by letter",
        """
def allowed(token, secret):
    return token == secret
""",
        """
import hmac

def allowed(token, secret):
    return hmac.compare_digest(token, secret)
""",
    ),
    Case(
        "redirect to any address",
        """
from flask import redirect, request

def after_login():
    return redirect(request.args["next"])
""",
        """
from flask import redirect, url_for

def after_login():
    return redirect(url_for("home"))
""",
    ),
    Case(
        "check by assert",
        """
def remove(user, record):
    assert user.is_admin
    record.delete()
""",
        """
def remove(user, record):
    if not user.is_admin:
        raise PermissionError(user)
    record.delete()
""",
    ),
    Case(
        "old protocol asked for",
        """
import ssl

def wrapped(connection):
    return ssl.SSLContext(ssl.PROTOCOL_SSLv3).wrap_socket(connection)
""",
        """
import ssl

def wrapped(connection):
    return ssl.create_default_context().wrap_socket(connection)
""",
    ),
)
