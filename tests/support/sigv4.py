# SPDX-License-Identifier: Apache-2.0
"""Signs links, requests and forms with AWS Signature Version 4, as an S3 client does. It uses only the standard library and
was written independently of src/sign, so that each checks the other."""
import base64
import datetime
import functools
import hashlib
import hmac
import json
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    def __init__(self, access_key, secret, region="us-east-1", now=None):
        """now: the time of all signatures, as a datetime with a time zone. None: the time of each call."""
        self.access_key, self.secret, self.region, self.now = access_key, secret, region, now
        self._key = functools.lru_cache(4)(self._derive)

    def _derive(self, date):
        key = _hmac(("AWS4" + self.secret).encode(), date)
        for part in (self.region, "s3", "aws4_request"):
            key = _hmac(key, part)
        return key

    def _when(self):
        now = self.now or datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        return now, stamp, f"{stamp[:8]}/{self.region}/s3/aws4_request"

    def _signature(self, stamp, scope, method, path, query, headers, payload):
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query, *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, payload])
        text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        return names, _hmac(self._key(stamp[:8]), text).hex()

    @staticmethod
    def path(path):
        return quote(path, safe="/-._~")

    @staticmethod
    def query(pairs):
        return "&".join(sorted(f"{quote(k, safe='-._~')}={quote(str(v), safe='-._~')}" for k, v in pairs.items()))

    def link(self, method, host, path, query=None, expires_s=3600, headers=None):
        """The path and query of a presigned URL. The request must then have these headers."""
        _, stamp, scope = self._when()
        signed = {"host": host, **{k.lower(): v for k, v in (headers or {}).items()}}
        pairs = dict(query or {})
        pairs.update({"X-Amz-Algorithm": ALGORITHM, "X-Amz-Credential": f"{self.access_key}/{scope}", "X-Amz-Date": stamp,
                      "X-Amz-Expires": expires_s, "X-Amz-SignedHeaders": ";".join(sorted(signed))})
        text = self.query(pairs)
        _, signature = self._signature(stamp, scope, method, self.path(path), text, signed, UNSIGNED)
        return f"{self.path(path)}?{text}&X-Amz-Signature={signature}"

    def headers(self, method, host, path, query=None, body=b"", headers=None, payload=None, send_digest=True):
        """All headers of a request that is signed in its Authorization header. send_digest: they include x-amz-content-sha256,
        which curl does not send."""
        _, stamp, scope = self._when()
        payload = payload or hashlib.sha256(body).hexdigest()
        signed = {k.lower(): v for k, v in (headers or {}).items()}
        signed.update({"host": host, "x-amz-date": stamp})
        if send_digest:
            signed["x-amz-content-sha256"] = payload
        names, signature = self._signature(stamp, scope, method, self.path(path), self.query(query or {}), signed, payload)
        signed["authorization"] = (f"{ALGORITHM} Credential={self.access_key}/{scope}, SignedHeaders={names}, "
                                   f"Signature={signature}")
        return signed

    def form(self, bucket, key, low, high, expires_s=3600, more=None):
        """The fields of a POST form except `file`. more: other fields; each gets a condition."""
        now, stamp, scope = self._when()
        fields = {"key": key, **(more or {}), "x-amz-algorithm": ALGORITHM,
                  "x-amz-credential": f"{self.access_key}/{scope}", "x-amz-date": stamp}
        end = (now + datetime.timedelta(seconds=expires_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
        conditions = [{"bucket": bucket}, ["content-length-range", low, high]] + [{k: v} for k, v in fields.items()]
        policy = base64.b64encode(json.dumps({"expiration": end, "conditions": conditions}).encode()).decode()
        fields["policy"] = policy
        fields["x-amz-signature"] = _hmac(self._key(stamp[:8]), policy).hex()
        return fields
