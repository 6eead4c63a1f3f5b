"""An issuer of tokens that shares nothing with the host: keys by OpenSSL's command line, signatures by Node's crypto,
and a place where its keys are published."""

import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

KINDS = {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
         "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}

# Reads {"sign": [{alg, key, header, claims}…], "jwk": [{key, more}…]}; answers with tokens and public JWKs.
PROGRAM = """
const crypto = require('crypto'), fs = require('fs');
const ask = JSON.parse(fs.readFileSync(0));
const b64 = (x) => Buffer.from(x).toString('base64url');
const sign = ({alg, key, header, claims}) => {
  const text = b64(JSON.stringify({alg, ...header})) + '.' + b64(JSON.stringify(claims));
  if (alg == 'none') return text + '.';
  const file = fs.readFileSync(key);
  if (alg.startsWith('HS')) {
    return text + '.' + crypto.createHmac('sha' + alg.slice(2), file).update(text).digest('base64url');
  }
  return text + '.' + b64(crypto.sign('sha' + alg.slice(2), text, {key: file, dsaEncoding: 'ieee-p1363'}));
};
const jwk = ({key, more}) => ({...crypto.createPublicKey(fs.readFileSync(key)).export({format: 'jwk'}), ...more});
console.log(JSON.stringify({sign: (ask.sign || []).map(sign), jwk: (ask.jwk || []).map(jwk)}));
"""


class Issuer:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="loft-issuer-")
        self.path = self._folder.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def file(self, name):
        return os.path.join(self.path, name)

    def make(self, name, kind):
        """A key pair: the file NAME.pem with the private, NAME.pub with the public key."""
        subprocess.run(["openssl", "genpkey", "-quiet", *KINDS[kind], "-out", self.file(name + ".pem")], check=True)
        subprocess.run(["openssl", "pkey", "-in", self.file(name + ".pem"), "-pubout", "-out", self.file(name + ".pub")],
                       check=True)

    def _node(self, ask):
        done = subprocess.run(["node", "-e", PROGRAM], input=json.dumps(ask), capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def tokens(self, *wanted):
        """Each is (algorithm, key file, claims, header)."""
        return self._node({"sign": [{"alg": alg, "key": self.file(key), "claims": claims, "header": header}
                                    for alg, key, claims, header in wanted]})["sign"]

    def token(self, algorithm, key, claims, **header):
        return self.tokens((algorithm, key, claims, header))[0]

    def jwks(self, **keys):
        """A set of the public keys NAME=ALGORITHM, each under its name as `kid`."""
        return json.dumps({"keys": self._node({"jwk": [{"key": self.file(name + ".pem"),
                                                        "more": {"kid": name, "alg": alg, "use": "sig"}}
                                                       for name, alg in keys.items()]})["jwk"]})


class Publisher:
    """A server for one document, in all the moods a server has. `say` is a function of the request's handler."""

    def __init__(self, tls=None, port=0):
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.asked += 1
                try:
                    publisher.say(self)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    pass  # the host has heard enough

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass  # a refused handshake is what some cases are about

        self.asked = 0
        self.stopping = threading.Event()
        self._server = Server(("127.0.0.1", port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/keys.json"
        self.say = self.status(404)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Nobody listens any more."""
        if not self.stopping.is_set():
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()

    def document(self, text):
        def say(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(text)))
            request.end_headers()
            request.wfile.write(text.encode())
        return say

    def status(self, code, location=None):
        def say(request):
            request.send_response(code)
            if location:
                request.send_header("Location", location)
            request.send_header("Content-Length", "0")
            request.end_headers()
        return say

    def silence(self):
        """The headers come, and then nothing until the server stops."""
        def say(request):
            request.send_response(200)
            request.send_header("Content-Length", "100")
            request.end_headers()
            request.wfile.flush()
            self.stopping.wait()
        return say

    def flood(self):
        """More than anybody wants to read, and no word of how much it will be."""
        def say(request):
            request.send_response(200)
            request.end_headers()
            while not self.stopping.is_set():
                request.wfile.write(b" " * 65536)
        return say


def soon(seconds=3600):
    return int(time.time()) + seconds
