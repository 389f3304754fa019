"""Planted security holes that were written before the rules."""

from __future__ import annotations

from .case import Case

HOLES = (
    Case(
        "eval of input",
        """
def total(expression):
    return eval(expression)
""",
        """
import ast

def total(expression):
    return ast.literal_eval(expression)
""",
        blind="before",
    ),
    Case(
        "eval under another name",
        """
calculate = eval

def total(expression):
    return calculate(expression)
""",
        """
import ast

calculate = ast.literal_eval

def total(expression):
    return calculate(expression)
""",
        blind="before",
    ),
    Case(
        "exec through getattr",
        """
import builtins

def run(source):
    getattr(builtins, "ex" + "ec")(source)
""",
        """
import builtins

def run(source):
    return getattr(builtins, "len")(source)
""",
        blind="before",
    ),
    Case(
        "SQL by concatenation",
        """
def find(cursor, name):
    cursor.execute("SELECT id FROM users WHERE name = '" + name + "'")
    return cursor.fetchone()
""",
        """
def find(cursor, name):
    cursor.execute("SELECT id FROM users WHERE name = ?", (name,))
    return cursor.fetchone()
""",
        blind="before",
    ),
    Case(
        "SQL by join",
        """
def find(cursor, name):
    query = " ".join(["SELECT id FROM users WHERE name =", repr(name)])
    cursor.execute(query)
    return cursor.fetchone()
""",
        """
def find(cursor, name):
    query = " ".join(["SELECT id FROM users", "WHERE name = ?"])
    cursor.execute(query, (name,))
    return cursor.fetchone()
""",
        blind="before",
    ),
    Case(
        "SQL grown piece by piece",
        """
def find(cursor, name, city):
    query = "SELECT id FROM users WHERE 1 = 1"
    if name:
        query += " AND name = '" + name + "'"
    if city:
        query += " AND city = '" + city + "'"
    cursor.execute(query)
    return cursor.fetchall()
""",
        """
def find(cursor, name, city):
    query = "SELECT id FROM users WHERE 1 = 1"
    values = []
    if name:
        query += " AND name = ?"
        values.append(name)
    if city:
        query += " AND city = ?"
        values.append(city)
    cursor.execute(query, values)
    return cursor.fetchall()
""",
        blind="before",
    ),
    Case(
        "shell=True with input",
        """
import subprocess

def listing(folder):
    return subprocess.run(f"ls -l {folder}", shell=True, capture_output=True).stdout
""",
        """
import subprocess

def listing(folder):
    return subprocess.run(["/bin/ls", "-l", "--", folder], capture_output=True).stdout
""",
        blind="before",
    ),
    Case(
        "shell switched on by a variable",
        """
import subprocess

OPTIONS = {"shell": True, "capture_output": True}

def listing(folder):
    return subprocess.run("ls -l " + folder, **OPTIONS).stdout
""",
        """
import subprocess

OPTIONS = {"check": True, "capture_output": True}

def listing(folder):
    return subprocess.run(["/bin/ls", "-l", "--", folder], **OPTIONS).stdout
""",
        blind="before",
    ),
    Case(
        "os.system",
        """
import os

def archive(folder):
    os.system("tar czf backup.tgz " + folder)
""",
        """
import tarfile

def archive(folder):
    with tarfile.open("backup.tgz", "w:gz") as out:
        out.add(folder)
""",
        blind="before",
    ),
    Case(
        "pickle from the network",
        """
import pickle

def receive(connection):
    return pickle.loads(connection.recv(65536))
""",
        """
import json

def receive(connection):
    return json.loads(connection.recv(65536))
""",
        blind="before",
    ),
    Case(
        "yaml.load with any object",
        """
import yaml

def settings(path):
    with open(path) as stream:
        return yaml.load(stream, Loader=yaml.Loader)
""",
        """
import yaml

def settings(path):
    with open(path) as stream:
        return yaml.safe_load(stream)
""",
        blind="before",
    ),
    Case(
        "hole behind a suppression comment",
        """
def total(expression):
    return eval(expression)  # noqa  # nosec
""",
        """
def total(expression):
    return float(expression)
""",
        blind="before",
    ),
    Case(
        "path traversal",
        """
def serve(name):
    with open("/srv/files/" + name) as stream:
        return stream.read()
""",
        """
from pathlib import Path

def serve(name):
    root = Path("/srv/files").resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise PermissionError(name)
    return path.read_text()
""",
        blind="before",
    ),
    Case(
        "request to any address (SSRF)",
        """
import requests

def preview(request):
    return requests.get(request.args["url"], timeout=5).text
""",
        """
import requests

PAGES = {"home": "https://example.org/", "help": "https://example.org/help"}

def preview(request):
    return requests.get(PAGES[request.args["page"]], timeout=5).text
""",
        blind="before",
    ),
    Case(
        "template made of input",
        """
from flask import render_template_string, request

def hello():
    return render_template_string("<p>Hello " + request.args["name"] + "</p>")
""",
        """
from flask import render_template_string, request

def hello():
    return render_template_string("<p>Hello {{ name }}</p>", name=request.args["name"])
""",
        blind="before",
    ),
    Case(
        "regular expression that backtracks for ever",
        """
import re

def is_word_list(text):
    return re.match(r"^(\\w+\\s?)*$", text) is not None
""",
        """
import re

def is_word_list(text):
    return re.match(r"^\\w+(\\s\\w+)*$", text) is not None
""",
        blind="before",
    ),
    Case(
        "password stored with a fast hash and no salt",
        """
import hashlib

def stored(password):
    return hashlib.sha256(password.encode()).hexdigest()
""",
        """
import hashlib
import os

def stored(password):
    salt = os.urandom(16)
    return salt + hashlib.scrypt(password.encode(), salt=salt, n=16384, r=8, p=1)
""",
        blind="before",
    ),
    Case(
        "key in a dictionary",
        """
SETTINGS = {"region": "eu", "api_key": "AKfj39fj20d9Xk2mQ0"}

def region():
    return SETTINGS["region"]
""",
        """
import os

SETTINGS = {"region": "eu", "api_key": os.environ["API_KEY"]}

def region():
    return SETTINGS["region"]
""",
        blind="before",
    ),
    Case(
        "password in the source",
        """
def connect(driver):
    password = "s3cr3t-Pa55"
    return driver.connect(user="app", password=password)
""",
        """
import os

def connect(driver):
    password = os.environ["APP_PASSWORD"]
    return driver.connect(user="app", password=password)
""",
        blind="before",
    ),
    Case(
        "JWT taken without verification",
        """
import jwt

def user(token):
    return jwt.decode(token, options={"verify_signature": False})["user"]
""",
        """
import jwt

def user(token, key):
    return jwt.decode(token, key, algorithms=["HS256"])["user"]
""",
        blind="before",
    ),
    Case(
        "secret in the log",
        """
import logging

def login(user, password):
    logging.info("login of %s with %s", user, password)
    return user.check(password)
""",
        """
import logging

def login(user, password):
    logging.info("login of %s", user)
    return user.check(password)
""",
        blind="before",
    ),
    Case(
        "certificate not checked",
        """
import requests

def fetch(url):
    return requests.get(url, verify=False, timeout=5).text
""",
        """
import requests

def fetch(url):
    return requests.get(url, timeout=5).text
""",
        blind="before",
    ),
)
