"""How many requests compute, how many wait, and what becomes of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from convlens.parallel import cores
from convlens.serving.request_limits import RequestLimits
from servers import SECONDS, get, post_disc, slow_server


def test_more_than_may_wait_are_told_to_come_again() -> None:
    with ThreadPoolExecutor(40) as pool, slow_server(RequestLimits(waiting=3)) as (detector, url):
        requests = [pool.submit(post_disc, url) for _ in range(40)]
        answered = cores() + 3
        while sum(request.done() for request in requests) < 40 - answered:
            time.sleep(0.05)
        detector.go.set()
        responses = [request.result() for request in requests]
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] * answered + [503] * (40 - answered)
    refused = [response for response in responses if response.status_code == 503]
    assert {response.headers.get("retry-after") for response in refused} == {"1"}


def test_a_slow_request_is_given_up_and_the_server_goes_on() -> None:
    with slow_server(RequestLimits(seconds=2)) as (detector, url):
        assert post_disc(url).status_code == 504
        detector.go.set()
        assert post_disc(url).json()["predictions"][0]["predicted"] == "b"


def test_shutdown_finishes_what_it_began() -> None:
    with ThreadPoolExecutor(2) as pool, ExitStack() as server:
        detector, url = server.enter_context(slow_server(RequestLimits()))
        request = pool.submit(post_disc, url)
        assert detector.begun.wait(SECONDS)
        assert "waiting" in get(f"{url}metrics").text
        shutdown = pool.submit(server.close)
        while accepts_requests(url):
            time.sleep(0.05)
        assert not request.done()
        detector.go.set()
        assert request.result().status_code == 200
        shutdown.result()


def accepts_requests(url: str) -> bool:
    try:
        get(f"{url}health")
    except httpx.TransportError:
        return False
    return True
