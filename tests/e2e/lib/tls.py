"""Certificates for tests."""

import os
import subprocess


def certificate(folder, name="own"):
    """A self-signed certificate for 127.0.0.1 with an EC key; the paths of both."""
    chain, key = os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=loft.test",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return chain, key
