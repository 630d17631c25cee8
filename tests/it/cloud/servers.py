"""Object storage on loopback, for tests and benchmarks: moto as Amazon S3 and as Google Cloud Storage, Azurite as Azure.

    servers.py s3|az|gs [FOLDER]

FOLDER is where npm has installed Azurite. Prints a line of JSON: the environment with which a program reaches the server.
Then it carries out a command per line of standard input, a JSON list such as ["create", "a-bucket"], and prints the
result as a line of JSON. Ends with its standard input, and so with the process that started it.

The S3 server refuses wrong keys and wrong signatures, buckets that do not exist, and parts that are too small. It does not
look at the region of a bucket. That of Google is the same without signatures, since both have the same XML API; emulators
of Google Cloud Storage have no uploads in parts in it.
"""

import base64
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request


class Moto:
    """A server that looks at no signature."""

    access_key, secret_key = "anyone", "anything"

    def __init__(self):
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.requests, self.delays = [], {}
        self.application = DomainDispatcherApplication(create_backend_app)
        server = make_server("127.0.0.1", 0, self.observe, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.port}"
        self.create_user()
        self.client = self.client_of("s3")

    def create_user(self):
        pass

    def client_of(self, service):
        import boto3

        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **keys)

    def observe(self, environ, start_response):
        """Notes each request and how many bytes of content it sends and receives."""
        bucket = environ["PATH_INFO"].split("/")[1]
        if "partNumber" in environ["QUERY_STRING"]:
            time.sleep(self.delays.get(bucket, 0))
        request = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "range": environ.get("HTTP_RANGE"),
            "sent": int(environ.get("CONTENT_LENGTH") or 0),
            "received": 0,
        }

        def start(status, headers, *rest):
            request["status"] = int(status.split()[0])
            return start_response(status, headers, *rest)

        content = b"".join(self.application(environ, start))
        request["received"] = len(content)
        self.requests.append(request)
        return [content]

    def create(self, bucket):
        self.client.create_bucket(Bucket=bucket)

    def keys(self, bucket):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, bucket, key):
        return base64.b64encode(self.client.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()

    def write(self, bucket, key, content):
        self.client.put_object(Bucket=bucket, Key=key, Body=content.encode())

    def uploads(self, bucket):
        """Uploads in parts that were neither completed nor aborted."""
        return [upload["Key"] for upload in self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    def delay(self, bucket, seconds):
        """Makes each part that is uploaded to the bucket take so long."""
        self.delays[bucket] = seconds

    def log(self, bucket):
        return [request for request in self.requests if request["path"].split("/")[1] == bucket]

    def close(self):
        pass


class S3(Moto):
    def __init__(self, _):
        # So many calls create the user whose requests are then checked.
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"
        super().__init__()
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }

    def create_user(self):
        sign_as_java_does()
        iam = self.client_of("iam")
        iam.create_user(UserName="tests")
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        iam.put_user_policy(UserName="tests", PolicyName="tests", PolicyDocument=policy)
        key = iam.create_access_key(UserName="tests")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]


def sign_as_java_does():
    """Moto signs a request anew to check it, and leaves out a header that Java's client has signed."""
    from botocore.auth import S3SigV4Auth
    from moto.iam.access_control import S3IAMRequest

    class Auth(S3SigV4Auth):
        def headers_to_sign(self, request):
            headers = super().headers_to_sign(request)
            if "User-Agent" in request.headers:
                headers["user-agent"] = request.headers["User-Agent"]
            return headers

    S3IAMRequest._create_auth = lambda self, credentials: Auth(credentials, self._service, self._region)


class Google(Moto):
    # What moto takes for the request of a user, whose signature it does not look at.
    SIGNED = "AWS4-HMAC-SHA256 Credential=anyone/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"

    def __init__(self, _):
        super().__init__()
        account = {"gcs_base_url": self.url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        self.environment = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}

    def observe(self, environ, start_response):
        if not environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4"):
            environ["HTTP_AUTHORIZATION"] = self.SIGNED
        return super().observe(environ, start_response)


class Azure:
    ACCOUNT = "devstoreaccount1"
    # The key of this account in every emulator of Azure, which its documentation gives.
    KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, folder):
        from azure.storage.blob import BlobServiceClient

        port = free_port()
        main = os.path.join(folder, "node_modules/azurite/dist/src/blob/main.js")
        options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
        at = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        self.process = subprocess.Popen(["node", main, *options, *at], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}/{self.ACCOUNT}"
        wait_for(url)
        self.client = BlobServiceClient(url, credential={"account_name": self.ACCOUNT, "account_key": self.KEY})
        self.environment = {
            "AZURE_STORAGE_ENDPOINT": url,
            "AZURE_STORAGE_ACCOUNT_NAME": self.ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": self.KEY,
        }

    def create(self, bucket):
        self.client.create_container(bucket)

    def keys(self, bucket):
        return [blob.name for blob in self.client.get_container_client(bucket).list_blobs()]

    def read(self, bucket, key):
        return base64.b64encode(self.client.get_blob_client(bucket, key).download_blob().readall()).decode()

    def write(self, bucket, key, content):
        self.client.get_blob_client(bucket, key).upload_blob(content.encode(), overwrite=True)

    def uploads(self, bucket):
        """Blobs of which there are only blocks, which Azure deletes after a week."""
        found = self.client.get_container_client(bucket).list_blobs(include=["uncommittedblobs"])
        return sorted({blob.name for blob in found} - set(self.keys(bucket)))

    def close(self):
        self.process.terminate()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url):
    """Waits until the server answers, whatever it says."""
    for _ in range(600):
        try:
            urllib.request.urlopen(url)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def carry_out(server, name, *arguments):
    try:
        return getattr(server, name)(*arguments)
    except Exception as error:
        return {"error": repr(error)}


def main():
    server = {"s3": S3, "az": Azure, "gs": Google}[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else ".")
    try:
        print(json.dumps(server.environment), flush=True)
        for line in sys.stdin:
            print(json.dumps(carry_out(server, *json.loads(line))), flush=True)
    finally:
        server.close()


main()
