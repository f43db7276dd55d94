"""Reads or deletes mails with Python's poplib.

One JSON object on standard input says what to do: host, port, security ("plain", "implicit", "starttls"), version
(the only TLS version allowed), ca (file), user, password, delete (list of numbers; empty: fetch all) and folder
(where mails go). Exit code 0: done; 3: the login was refused, and the server's text is on standard error.
"""

import json
import os
import poplib
import ssl
import sys

# poplib takes 2,048 bytes as the longest line, as a guard against bad servers; mails with longer lines exist.
poplib._MAXLINE = 1 << 25


def connect(job):
    context = None
    if job["security"] != "plain":
        context = ssl.create_default_context(cafile=job["ca"])
        context.minimum_version = context.maximum_version = {
            "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3,
        }[job["version"]]
    if job["security"] == "implicit":
        return poplib.POP3_SSL(job["host"], job["port"], context=context, timeout=30)
    server = poplib.POP3(job["host"], job["port"], timeout=30)
    if job["security"] == "starttls":
        server.stls(context)
    return server


def main():
    job = json.load(sys.stdin)
    server = connect(job)
    try:
        server.user(job["user"])
        server.pass_(job["password"])
    except poplib.error_proto as refusal:
        print(refusal, file=sys.stderr)
        return 3
    for number in job["delete"]:
        server.dele(number)
    if not job["delete"]:
        count, _ = server.stat()
        for number in range(1, count + 1):
            _, lines, _ = server.retr(number)
            with open(os.path.join(job["folder"], "%03d" % number), "wb") as file:
                file.write(b"\r\n".join(lines))
    server.quit()
    return 0


sys.exit(main())
