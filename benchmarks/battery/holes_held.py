"""Planted security holes that were written after the rules, without reading them: a second blind half."""

from __future__ import annotations

from .case import Case

HOLES = (
    Case(
        "a model file that unpickles",
        """
import joblib
from flask import request

def predict(rows):
    upload = request.files["model"]
    model = joblib.load(upload)
    return model.predict(rows)
""",
        """
import json
from flask import request

def predict(rows):
    upload = request.files["model"]
    weights = json.load(upload)
    return [sum(w * x for w, x in zip(weights, row)) for row in rows]
""",
        blind="after",
    ),
    Case(
        "bash -c with input",
        """
import subprocess

def convert(name):
    result = subprocess.run(["bash", "-c", f"convert {name} out.png"], capture_output=True, check=True)
    return result.stdout
""",
        """
import subprocess

def convert(name):
    result = subprocess.run(["/usr/bin/convert", "--", name, "out.png"], capture_output=True, check=True)
    return result.stdout
""",
        blind="after",
    ),
    Case(
        "an asynchronous shell",
        """
import asyncio

async def archive(folder):
    process = await asyncio.create_subprocess_shell(f"tar czf backup.tgz {folder}")
    return await process.wait()
""",
        """
import asyncio

async def archive(folder):
    process = await asyncio.create_subprocess_exec("/bin/tar", "czf", "backup.tgz", "--", folder)
    return await process.wait()
""",
        blind="after",
    ),
    Case(
        "SQL by percent through an engine",
        """
from sqlalchemy import text

def orders(session, customer):
    statement = text("SELECT id, total FROM orders WHERE customer = '%s'" % customer)
    return session.execute(statement).fetchall()
""",
        """
from sqlalchemy import text

def orders(session, customer):
    statement = text("SELECT id, total FROM orders WHERE customer = :customer")
    return session.execute(statement, {"customer": customer}).fetchall()
""",
        blind="after",
    ),
    Case(
        "blocks encrypted one by one (ECB)",
        """
from Crypto.Cipher import AES

def encrypt(key, message):
    cipher = AES.new(key, AES.MODE_ECB)
    return cipher.encrypt(message)
""",
        """
from Crypto.Cipher import AES

def encrypt(key, message):
    cipher = AES.new(key, AES.MODE_GCM)
    sealed, tag = cipher.encrypt_and_digest(message)
    return cipher.nonce + tag + sealed
""",
        blind="after",
    ),
    Case(
        "a directory filter made of input (LDAP)",
        """
def find(connection, base, name):
    wanted = f"(&(objectClass=person)(uid={name}))"
    connection.search(base, wanted, attributes=["mail"])
    return connection.entries
""",
        """
from ldap3.utils.conv import escape_filter_chars

def find(connection, base, name):
    wanted = "(&(objectClass=person)(uid=" + escape_filter_chars(name) + "))"
    connection.search(base, wanted, attributes=["mail"])
    return connection.entries
""",
        blind="after",
    ),
    Case(
        "a function chosen by its name in the request",
        """
from flask import request
import reports

def report():
    make = getattr(reports, request.args["kind"])
    return make()
""",
        """
from flask import request
import reports

KINDS = {"daily": reports.daily, "weekly": reports.weekly}

def report():
    make = KINDS[request.args["kind"]]
    return make()
""",
        blind="after",
    ),
    Case(
        "a format given by the visitor",
        """
from flask import request

def greeting(user):
    layout = request.args.get("layout", "Hello {user.name}")
    return layout.format(user=user)
""",
        """
from flask import request

def greeting(user):
    layout = request.args.get("layout", "Hello $name")
    return layout.replace("$name", user.name)
""",
        blind="after",
    ),
    Case(
        "a password as the default of a parameter",
        """
import psycopg2

def connect(host, user="admin", password="Summer2024!"):
    return psycopg2.connect(host=host, user=user, password=password)
""",
        """
import os
import psycopg2

def connect(host, user="admin"):
    return psycopg2.connect(host=host, user=user, password=os.environ["DB_PASSWORD"])
""",
        blind="after",
    ),
    Case(
        "too few rounds over a password",
        """
import hashlib
import os

def stored(password):
    salt = os.urandom(16)
    return salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10)
""",
        """
import hashlib
import os

def stored(password):
    salt = os.urandom(16)
    return salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)
""",
        blind="after",
    ),
    Case(
        "arrays that may hold objects",
        """
import numpy as np

def table(path):
    return np.load(path, allow_pickle=True)
""",
        """
import numpy as np

def table(path):
    return np.load(path, allow_pickle=False)
""",
        blind="after",
    ),
    Case(
        "a frame that evaluates input",
        """
import pandas as pd

def chosen(frame):
    condition = input("filter: ")
    return frame.query(condition)
""",
        """
import pandas as pd

def chosen(frame):
    country = input("country: ")
    return frame[frame["country"] == country]
""",
        blind="after",
    ),
    Case(
        "a check and a use with time between",
        """
import os

def save(path, text):
    if not os.path.exists(path):
        with open(path, "w") as file:
            file.write(text)
""",
        """
def save(path, text):
    with open(path, "x") as file:
        file.write(text)
""",
        blind="after",
    ),
    Case(
        "a form without protection against forgery",
        """
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def transfer(request):
    request.user.account.send(request.POST["to"], int(request.POST["amount"]))
    return JsonResponse({"ok": True})
""",
        """
from django.http import JsonResponse
from django.views.decorators.http import require_POST

@require_POST
def transfer(request):
    request.user.account.send(request.POST["to"], int(request.POST["amount"]))
    return JsonResponse({"ok": True})
""",
        blind="after",
    ),
    Case(
        "objects out of text (jsonpickle)",
        """
import jsonpickle

def load(message):
    return jsonpickle.decode(message)
""",
        """
import json

def load(message):
    return json.loads(message)
""",
        blind="after",
    ),
)
