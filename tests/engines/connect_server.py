"""A Spark Connect server on the loopback interface; prints its port, and ends when its input is closed."""

import sys

from pyspark.sql import SparkSession

from crm_lib.sources.servers import SparkServer
from crm_lib.sources.spark.session import open_session

TOKEN = sys.argv[1]

