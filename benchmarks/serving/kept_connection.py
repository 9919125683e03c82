"""Requests a second on one kept connection to `/health`: what a request costs without a picture.

    python benchmarks/serving/kept_connection.py http://127.0.0.1:8000/ [--seconds 10]

Run it while `convlens serve` runs. A request is sent when the answer before it is there.
"""

import http.client
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("address", help="as convlens serve prints it")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    connection = http.client.HTTPConnection(urlsplit(arguments.address).netloc)
    start, requests = time.perf_counter(), 0
    while (seconds := time.perf_counter() - start) < arguments.seconds:
        connection.request("GET", "/health")
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
        requests += 1
    print(f"{requests / seconds:,.1f} requests a second, {1000 * seconds / requests:.2f} ms each")


if __name__ == "__main__":
    main()
