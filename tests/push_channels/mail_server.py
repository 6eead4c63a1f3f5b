#!/usr/bin/env python3
"""A real mail server (Exim) of a test's own, as a user without rights, delivering into a folder.

mail_server.py serve CERTIFICATE KEY FOLDER   runs it; prints ports, user and password as one line of JSON
mail_server.py read FOLDER COUNT              waits until so many mails are there; prints them as one line of JSON
"""

import email
import email.policy
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

USER, PASSWORD = "chat@example.test", "a secret: word"

CONFIGURATION = """
primary_hostname = mail.example.test
spool_directory = {home}/spool
log_file_path = {home}/log/%s
pid_file_path = {home}/exim.pid
local_interfaces = 127.0.0.1.{tls} : 127.0.0.1.{starttls} : 127.0.0.1.{plain}
tls_on_connect_ports = {tls}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {home}/certificate
tls_privatekey = {home}/key
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
deliver_drop_privilege = true
keep_environment =
add_environment = PATH=/usr/bin
recipients_max = 5
message_size_limit = 1M
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt

begin acl
check_mail:
  deny senders = banned@example.test
       message = 553 5.7.1 You may not send
  accept
check_rcpt:
  deny local_parts = gone
       message = 550 5.1.1 No such mailbox <$local_part@$domain>
  deny local_parts = old
       message = 550 No such mailbox
  defer local_parts = full
       message = 452 4.2.2 Mailbox full
  accept authenticated = *
  accept condition = ${{if eq{{$received_port}}{{{plain}}}}}
  deny message = 550 5.7.1 Log in first

begin routers
all:
  driver = accept
  transport = folder

begin transports
folder:
  driver = appendfile
  directory = {home}/mail
  maildir_format
  envelope_to_add
  return_path_add
  user = {uid}
  group = {gid}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port, server):
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 5):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("mail_server.py: exim4 did not start; `script/setup test` installs it")


def serve(certificate, key, home):
    exim = pwd.getpwnam("Debian-exim")
    tls, starttls, plain = free_ports(3)
    for name in ("spool", "log", "mail"):
        os.makedirs(os.path.join(home, name))
    shutil.copy(certificate, os.path.join(home, "certificate"))
    shutil.copy(key, os.path.join(home, "key"))
    path = os.path.join(home, "exim.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(home=home, tls=tls, starttls=starttls, plain=plain, uid=exim.pw_uid,
                                        gid=exim.pw_gid, user=USER, password=PASSWORD))
    as_user = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        subprocess.run(["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", home], check=True)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    # Exim lets its own user alone run a daemon: whoever we are has that number in a name space of its own. In the
    # foreground: it ends when we end it, and with us when we are killed.
    command = ["unshare", "--user", f"--map-user={exim.pw_uid}", f"--map-group={exim.pw_gid}",
               "setpriv", "--pdeathsig", "KILL", "/usr/sbin/exim4", "-C", path, "-bdf", "-q1h"]
    with subprocess.Popen(command, stdout=sys.stderr, cwd="/", **as_user) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            for port in (tls, starttls, plain):
                wait_for(port, server)
            print(json.dumps({"tls": tls, "starttls": starttls, "plain": plain, "user": USER, "password": PASSWORD}), flush=True)
            server.wait()
        finally:
            server.terminate()


def read(home, count):
    folder = os.path.join(home, "mail", "new")
    for _ in range(300):
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        if len(names) >= count:
            break
        time.sleep(0.1)
    out = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            raw = file.read()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        out.append({"envelope_to": mail["Envelope-to"], "return_path": mail["Return-path"], "from": str(mail["From"]),
                    "to": str(mail["To"]), "subject": str(mail["Subject"]), "id": mail["Message-ID"], "date": str(mail["Date"]),
                    "precedence": mail["Precedence"], "auto_submitted": mail["Auto-Submitted"], "references": mail["References"],
                    "text": parts.get("text/plain"), "html": parts.get("text/html"), "headers": sorted(set(mail.keys())),
                    "defects": [str(defect) for defect in mail.defects], "longest_line": max(map(len, raw.splitlines()))})
    print(json.dumps(out), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        read(sys.argv[2], int(sys.argv[3]))
