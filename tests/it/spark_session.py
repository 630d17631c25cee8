"""A session of Spark on loopback, for tests and benchmarks."""

import glob
import os
import tempfile
import zipfile

import pyspark
from pyspark.sql import SparkSession


def start(cores=1, settings=None):
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    on_loopback = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(f"local[{cores}]")
    for name, value in {**on_loopback, **snappy(), **(settings or {})}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def snappy():
    """Spark's Snappy takes a machine that has musl too for one without glibc, unless it is given its library."""
    if not os.path.exists("/lib/ld-musl-x86_64.so.1"):
        return {}
    (jar,) = glob.glob(f"{pyspark.__path__[0]}/jars/snappy-java-*.jar")
    library = zipfile.ZipFile(jar).extract("org/xerial/snappy/native/Linux/x86_64/libsnappyjava.so", tempfile.mkdtemp())
    folder, name = os.path.split(library)
    options = {"path": folder, "name": name}
    return {"spark.driver.extraJavaOptions": " ".join(f"-Dorg.xerial.snappy.lib.{key}={options[key]}" for key in options)}


def s3(jars):
    """The settings of hadoop-aws 3.3, which knows neither the classes nor the durations with units that are the defaults
    of later versions."""
    settings = {
        "aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
        "connection.establish.timeout": "30000",
        "connection.timeout": "200000",
        "endpoint": os.environ["AWS_ENDPOINT_URL"],
        "multipart.purge.age": "86400",
        "path.style.access": "true",
        "threads.keepalivetime": "60",
    }
    return {"spark.jars": jars, **{f"spark.hadoop.fs.s3a.{name}": value for name, value in settings.items()}}
