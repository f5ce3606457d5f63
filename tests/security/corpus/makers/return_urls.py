"""What may be a return URL: the list, where a browser lands, and the rules that refuse wherever it would.

Rules, from the URL standard and from what the service promises (TH-U1):

* whatever breaks an escape outside of the query is refused first, with the reason of the contract (`escape`);
* control characters, backslashes, user info, opaque URLs, dot segments, more than 2,048 bytes are refused (`forbidden`);
* a relative reference counts from the default return URL, `https://www.example.org/app/welcome`;
* scheme, host and port must be those of a listed URL, and its path must be a prefix in whole segments.

`refused` stands where two rules apply and either may be told.
"""

DEFAULT = "https://www.example.org/app/welcome"

LISTED = [
    "https://www.example.org/app/",
    "https://*.wild.example.org/in",
    "https://port.example.org:8443",
    "http://127.0.0.1:4455/after",
    "myapp://callback",
]

# What the service adds: the pages below its own base URL.
OWN = "https://id.example.org/auth/self-service"

RULES = [
    ("https", "www.example.org", 443, ["app"]),
    ("https", "*.wild.example.org", 443, ["in"]),
    ("https", "port.example.org", 8443, []),
    ("http", "127.0.0.1", 4455, ["after"]),
    ("myapp", "callback", None, []),
    ("https", "id.example.org", 443, ["auth", "self-service"]),
]

BAD_HOSTS = [
    "evil.com", "www.example.org.evil.com", "evilwww.example.org", "xwww.example.org", "www.example.orgevil.com",
    "example.org", "wild.example.org", "evilwild.example.org", "a.wild.example.org.evil.com", "www-example.org",
    "www.example.com", "wwww.example.org", "port.example.org", "localhost", "127.0.0.1", "[::1]", "id.example.org",
]
GOOD = [("www.example.org", "/app/"), ("www.example.org", "/app/x"), ("a.wild.example.org", "/in"),
        ("deep.a.wild.example.org", "/in/x"), ("port.example.org:8443", "/"), ("port.example.org:8443", "/any"),
        ("id.example.org", "/auth/self-service/registration/browser")]
TAILS = ["", "?q=1", "#f", "?u=//evil.com", "#//evil.com", "?u=https://evil.com/#x", "#@evil.com", "?@evil.com"]


def listed(scheme, host, port, path):
    """Whether a place is one that the list allows."""
    segments = path.split("/")[1:]
    for own_scheme, own_host, own_port, own_segments in RULES:
        labels = host.split(".")
        if own_host.startswith("*."):
            end = own_host[2:].split(".")
            same = len(labels) > len(end) and labels[-len(end):] == end and all(labels)
        else:
            same = host == own_host
        if same and scheme == own_scheme and port == own_port and segments[:len(own_segments)] == own_segments:
            return True
    return False


def lands(asked, scheme, host, port, path, shape):
    verdict = "accepted" if listed(scheme, host, port, path) else "forbidden"
    return {"asked": asked, "verdict": verdict, "shape": shape}


def https(asked, host, path, shape):
    return lands(asked, "https", host, 443, path, shape)


def here(asked, path, shape):
    """A relative reference: the browser stays on the default's host."""
    return https(asked, "www.example.org", path, shape)


def never(asked, shape, verdict="forbidden"):
    return {"asked": asked, "verdict": verdict, "shape": shape}


def host_and_port(host):
    name, _, port = host.partition(":")
    return (host, 443) if host.startswith("[") else (name, int(port or 443))
