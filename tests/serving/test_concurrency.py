"""How many requests compute, how many wait, and what becomes of them."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from convlens.parallel import cores
from convlens.serving.limits.request_limits import RequestLimits
from servers import SECONDS, disc, get, post_disc, slow_server


def test_more_than_may_wait_are_told_to_come_again() -> None:
    answered = cores() + 3
    sent = answered + 35
    with ThreadPoolExecutor(sent) as pool, slow_server(RequestLimits(waiting=3)) as (detector, url):
        requests = [pool.submit(post_disc, url) for _ in range(sent)]
        while sum(request.done() for request in requests) < sent - answered:
            time.sleep(0.05)
        detector.go.set()
        responses = [request.result() for request in requests]
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] * answered + [503] * (sent - answered)
    refused = [response for response in responses if response.status_code == 503]
    assert {response.headers.get("retry-after") for response in refused} == {"1"}


def test_a_slow_request_is_given_up_and_the_server_goes_on() -> None:
    with slow_server(RequestLimits(seconds=2)) as (detector, url):
        assert post_disc(url).status_code == 504
        detector.go.set()
        assert post_disc(url).json()["predictions"][0]["predicted"] == "b"


def test_a_turn_ends_with_its_thread_and_not_with_its_request() -> None:
    """What was given up before its turn is never computed; what had begun keeps its turn."""
    given_up = cores() + 3
    with ThreadPoolExecutor(given_up) as pool, slow_server(RequestLimits(seconds=1)) as server:
        detector, url = server
        requests = [pool.submit(post_disc, url) for _ in range(cores())]
        until(lambda: detector.calls == cores())
        requests += [pool.submit(post_disc, url) for _ in range(given_up - cores())]
        assert {request.result().status_code for request in requests} == {504}
        assert post_disc(url).status_code == 504
        assert detector.calls == cores()
        detector.go.set()
        while post_disc(url).status_code != 200:  # the threads end as they can
            pass
        assert detector.calls <= cores() + 2


def test_nothing_is_computed_for_clients_that_have_left() -> None:
    with ThreadPoolExecutor(cores()) as pool, slow_server(RequestLimits()) as (detector, url):
        requests = [pool.submit(post_disc, url) for _ in range(cores())]
        until(lambda: detector.calls == cores())
        address = ("127.0.0.1", int(url.rstrip("/").rsplit(":", 1)[1]))
        picture = disc()
        head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(picture)}\r\n"
        with socket.create_connection(address) as client:
            client.sendall(f"{head}content-type: image/png\r\n\r\n".encode() + picture)
            until(lambda: waiting(url) == 1)
        until(lambda: waiting(url) == 0)
        detector.go.set()
        assert {request.result().status_code for request in requests} == {200}
        assert post_disc(url).status_code == 200
        assert detector.calls == cores() + 1
        assert 'status="499"' in get(f"{url}metrics").text


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


def waiting(url: str) -> int:
    return int(get(f"{url}health").json()["waiting"])


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
