"""Who may use the server."""

import httpx

from servers import SECONDS, Serve, get


def test_a_token_is_needed_where_it_was_asked_for(serve: Serve) -> None:
    address = serve("--token", "secret word")
    bare = address.split("?")[0]
    for headers in ({}, {"authorization": "Bearer wrong"}):
        refused = get(f"{bare}detector", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    headers = {"authorization": "Bearer secret word"}
    assert get(f"{bare}detector", headers=headers).status_code == 200
    with httpx.Client(
        timeout=SECONDS
    ) as browser:  # the page's address holds it, its requests the cookie
        assert browser.get(f"{bare}?token=secret%20word").status_code == 200
        assert browser.get(f"{bare}detector").status_code == 200
        assert browser.get(f"{bare}detector?token=secret%20word").status_code == 200
    assert get(f"{bare}detector?token=secret%20word").status_code == 401
