"""Redirects: strings for `return_to`, each with its verdict.

The verdict comes from where a browser ends that follows the string on a page of the default return URL. Every string is
put together from parts whose place in a URL is known beforehand, so nothing is parsed here: `lands` says scheme, host,
port and path, `never` says that a rule refuses the string wherever it leads.

The rules stand in `return_urls`.
"""

import itertools
import random

from .return_urls import BAD_HOSTS, DEFAULT, GOOD, LISTED, OWN, TAILS, here, host_and_port, https, lands, never

COUNT = 1500


def plain():
    for (host, path), tail in itertools.product(GOOD, TAILS):
        name, port = host_and_port(host)
        yield lands(f"https://{host}{path}{tail}", "https", name, port, path, "plain")
    for host, tail in itertools.product(BAD_HOSTS, TAILS[:5]):
        name, port = host_and_port(host)
        yield lands(f"https://{host}/app/{tail}", "https", name, port, "/app/", "plain")
    for scheme in ["HTTPS", "hTTps", "Https"]:
        yield https(f"{scheme}://WWW.EXAMPLE.ORG/app/", "www.example.org", "/app/", "letter case")
        yield https(f"{scheme}://EVIL.com/app/", "evil.com", "/app/", "letter case")
    for scheme in ["http", "HTTP", "ftp", "ws", "wss", "gopher", "htps", "httpss", "https+x", "file"]:
        yield never(f"{scheme}://www.example.org/app/", "another scheme")
        yield never(f"{scheme}://evil.com/", "another scheme")
    for path in ["/after", "/after/", "/after/x", "/after?x", "/afterx", "/", "", "/x/after"]:
        yield lands(f"http://127.0.0.1:4455{path}", "http", "127.0.0.1", 4455, (path or "/").split("?")[0], "loopback")


def slashes():
    hosts = [("www.example.org", "/app/"), ("a.wild.example.org", "/in")] + [(bad, "/app/") for bad in BAD_HOSTS[:8]]
    for host, path in hosts:
        yield https("//" + host + path, host, path, "leading slashes")
    for count, (host, path) in itertools.product([3, 4, 7], hosts):
        # A path for some readers and a host for others.
        yield never("/" * count + host + path, "leading slashes")
    for count, (host, path) in itertools.product([3, 4, 9], hosts):
        yield https("https:" + "/" * count + host + path, host, path, "more slashes")
    for (host, path), scheme in itertools.product(hosts, ["http:", "HTTP:", "ftp:"]):
        yield never(scheme + host + path, "another scheme without slashes")
        yield never(scheme + "/" + host + path, "another scheme without slashes")
    for (host, path), scheme in itertools.product(hosts, ["https:", "hTTps:"]):
        # Opaque: a path beside the default URL, a host for whoever follows the text that the flow repeats.
        yield never(scheme + host + path, "no slash")
        yield never(scheme + "/" + host + path, "one slash")


def backslashes():
    forms = ["/\\{h}", "\\\\{h}", "\\/{h}", "/\\/{h}", "\\{h}", "https:\\\\{h}", "https:/\\{h}", "https:\\/{h}",
            "https://{h}\\x", "https:\\{h}", "//\\{h}", "//{h}\\", "/app/\\{h}", "\\app\\{h}"]
    for form, host in itertools.product(forms, ["www.example.org/app/", "evil.com/", "evil.com/app/"]):
        yield never(form.format(h=host), "backslash")
    for text in ["https://www.example.org\\.evil.com/app/", "https://www.example.org\\@evil.com/app/",
            "https://evil.com\\@www.example.org/app/", "https://www.example.org/app/?x=\\", "\\",
            "https://www.example.org/app/#\\", "\\\\\\evil.com", "https://www.example.org\\app\\"]:
        yield never(text, "backslash")


def controls():
    marks = ["\t", "\n", "\r\n", "\0", "\x1f", "\x7f", "\x85"]
    forms = ["{c}https://{h}/app/", "https://{h}/app/{c}", "ht{c}tps://{h}/app/", "https:{c}//{h}/app/",
            "https:/{c}/{h}/app/", "/{c}/{h}/app/", "https://{c}{h}/app/", "https://{h}{c}/app/",
            "https://{h}/a{c}pp/", "https://{h}/app/?{c}", "https://{h}/app/#{c}"]
    for mark, form in itertools.product(marks, forms):
        yield never(form.format(c=mark, h="www.example.org"), "control character")
    for mark in marks:
        yield never(f"/{mark}/evil.com", "control character")
        yield never(f"java{mark}script:alert(1)", "control character")
        yield never(f"https://www.example.org/app/{mark}Set-Cookie: a=b", "control character")


def encoded():
    for text, path in [("/%2fevil.com", "/%2fevil.com"), ("/%2Fevil.com/app", "/%2Fevil.com/app"),
            ("/%5cevil.com", "/%5cevil.com"), ("/%5Cevil.com", "/%5Cevil.com"),
            ("/%09/evil.com", "/%09/evil.com"), ("/%0d%0aevil", "/%0d%0aevil"),
            ("/app/%2f%2fevil.com", "/app/%2f"),
            ("/app/%5cevil.com", "/app/%5c"), ("/app/%0d%0aSet-Cookie:x", "/app/x"), ("/app/%00", "/app/x"),
            ("%2f%2fevil.com", "/app/%2f%2fevil.com"), ("%5c%5cevil.com", "/app/%5c"),
            ("%68ttps://evil.com", "/app/x"),
            ("https%3a%2f%2fevil.com", "/app/x"), ("https%3A//evil.com", "/app/x"), ("/%61pp/", "/%61pp/"),
            ("/app%2fx", "/app%2fx"), ("/app%2F", "/app%2F"), ("/app%3fx", "/app%3fx"),
            ("/app%23x", "/app%23x")]:
        yield here(text, path, "escape in the path")
    for text, host in [("//%65vil.com/app/", "evil.com"), ("//www%2eexample%2eorg/app/", "www.example.org"),
            ("https://%77ww.example.org/app/", "www.example.org"), ("https://%65vil.com/app/", "evil.com"),
            ("https://www.example.org%2eevil.com/app/", "www.example.org.evil.com"),
            ("https://%57%57%57.example.org/app/", "www.example.org"),
            ("https://%EF%BD%97ww.example.org/app/", "www.example.org")]:
        yield https(text, host, "/app/", "escape in the host")
    for escape in ["%2f", "%5c", "%3f", "%23", "%40", "%3a", "%00", "%0a", "%09", "%20", "%25", "%7f", "%5b", "%3c",
            "%ff"]:
        yield never(f"https://evil.com{escape}.www.example.org/app/", "escape that no host has")
        yield never(f"https://www.example.org{escape}.evil.com/app/", "escape that no host has")
        yield never(f"https://a{escape}.wild.example.org/in", "escape that no host has")


def user_info():
    for user in ["u", "u:p", ":p", "u:", "evil.com", "www.example.org", "www.example.org:443", "%40", "u@v", "ü",
            "%75"]:
        yield never(f"https://{user}@www.example.org/app/", "user info")
        yield never(f"//{user}@a.wild.example.org/in", "user info")
        yield never(f"https://{user}@evil.com/app/", "user info")
        yield never(f"//{user}@evil.com/app/", "user info")
        yield never(f"myapp://{user}@callback", "user info")
    for text in ["https://@evil.com/app/", "https://:@evil.com/app/", "//@evil.com/app/"]:
        yield never(text, "user info")
    for text in ["https://www.example.org/app/@evil.com", "https://www.example.org/app/u:p@evil.com"]:
        yield here(text, "/app/@", "an at sign in the path")


def ports():
    for port, number in [("", 443), (":", 443), (":443", 443), (":0443", 443), (":00000443", 443), (":0", 0), (":1", 1),
            (":80", 80), (":442", 442), (":444", 444), (":4430", 4430), (":8443", 8443),
            (":65535", 65535)]:
        yield lands(f"https://www.example.org{port}/app/", "https", "www.example.org", number, "/app/", "port")
        yield lands(f"//a.wild.example.org{port}/in", "https", "a.wild.example.org", number, "/in", "port")
        yield lands(f"https://port.example.org{port}/", "https", "port.example.org", number, "/", "port")
    for port in [":65536", ":99999", ":655360443", ":-1", ":+443", ":4a3", ":a", ":443:443", ":443 ", ": 443", ":४४३",
            ":0x1bb"]:
        yield never(f"https://www.example.org{port}/app/", "port that is none")
        yield never(f"https://evil.com{port}/app/", "port that is none")
    for port, number in [(":4455", 4455), (":04455", 4455), ("", 80), (":80", 80), (":443", 443)]:
        yield lands(f"http://127.0.0.1{port}/after", "http", "127.0.0.1", number, "/after", "port")


def dots_and_labels():
    for host in ["www.example.org.", "www.example.org..", ".www.example.org", "www..example.org", "a.wild.example.org.",
            ".wild.example.org", "..wild.example.org", "a..wild.example.org", "a.wild..example.org",
            "*.wild.example.org",
            "wild.example.org.", "a-wild.example.org", "awild.example.org", "a.wild.example.org.a"]:
        path = "/in" if "wild" in host else "/app/"
        # A star is a letter of a host name like any other.
        yield https(f"https://{host}{path}", host, path, "dots and labels")
    for label in ["a", "a.b", "a.b.c.d.e.f", "xn--mnchen-3ya", "1", "a-b", "a_b", "evil.com", "www.example.org"]:
        yield https(f"https://{label}.wild.example.org/in", f"{label}.wild.example.org", "/in", "dots and labels")
        yield https(f"//{label}.wild.example.org.evil.com/in", f"{label}.wild.example.org.evil.com", "/in",
                "dots and labels")


def unicode_hosts():
    same = ["www。example。org", "www．example．org", "www｡example｡org", "ｗｗｗ.example.org", "ｗｗｗ．ｅｘａｍｐｌｅ．ｏｒｇ",
            "ＷＷＷ.ＥＸＡＭＰＬＥ.ＯＲＧ", "ⓦⓦⓦ.example.org", "www.exam\u00adple.org", "www.exam\u200bple.org",
            "www.\u2060example.org", "𝐰𝐰𝐰.example.org", "www.ｅxample.org", "w𝓌w.example.org", "www.exampl\ufe0fe.org"]
    for host in same:
        yield https(f"https://{host}/app/", "www.example.org", "/app/", "another spelling of the host")
        yield https(f"//{host}/application/", "www.example.org", "/application/", "another spelling of the host")
    for host in ["evil。com", "ｅｖｉｌ．com", "www.example.org。evil.com", "wwẉ.example.org", "www.ехample.org",
            "www.exаmple.org", "wẉw.example.org", "www.exämple.org", "www.exampłe.org", "www.examp1e.org",
            "ωωω.example.org", "www.xn--exmple-cua.org", "www.xn--exmple-4nf.org", "xn--www-x.evil.com"]:
        yield never(f"https://{host}/app/", "twin of the host")
        yield never(f"//{host}/app/", "twin of the host")
    # Letters that are spelt out with one that no host name has.
    for sign in ["℀", "℁", "℅", "℆", "／", "＼", "？", "＃", "＠", "：", "％", "［", "］", "＜", "＞", "＾", "｜", "\u00a0",
            "\u3000", "\ufffd", "\u200d"]:
        yield never(f"https://www.example.org{sign}.evil.com/app/", "letter that no host has")
        yield never(f"https://evil.com{sign}.www.example.org/app/", "letter that no host has")
        yield never(f"https://a{sign}.wild.example.org/in", "letter that no host has")
    for sign in " <>^|%[]":
        broken = "refused" if sign == "%" else "forbidden"
        yield never(f"https://evil.com{sign}.www.example.org/app/", "letter that no host has", broken)
        yield never(f"https://a{sign}b.wild.example.org/in", "letter that no host has", broken)
    yield https("https://straße.wild.example.org/in", "xn--strae-oqa.wild.example.org", "/in",
            "another spelling of the host")
    yield https("https://MÜNCHEN.wild.example.org/in", "xn--mnchen-3ya.wild.example.org", "/in",
            "another spelling of the host")


def numbers():
    for host in ["127.1", "127.0.1", "0x7f000001", "0x7F.1", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.",
            "１２７.0.0.1", "127。0。0。1"]:
        yield lands(f"http://{host}:4455/after", "http", "127.0.0.1", 4455, "/after", "numbers of a host")
    for host in ["127.0.0.2", "0.0.0.0", "2130706434", "127.0.0.256", "127.0.0.1.1", "[::1]", "[::ffff:127.0.0.1]",
            "127.0.0.1.evil.com",
            "0127.0.0.1", "127.0.0.0x", "[127.0.0.1]", "localhost", "4294967296"]:
        yield never(f"http://{host}:4455/after", "numbers of a host")


def broken_escapes():
    for escape in ["%", "%zz", "%2", "%%41", "%u0041", "%2g", "% 41", "%é1", "%2%46"]:
        for form in ["{e}", "/app/{e}", "https://www.example.org/app/{e}", "https://www.example.org/app/x{e}y",
                "//evil.com/{e}",
                "https://www.example.org/app/#{e}", "/app/x#{e}", "https://evil.com/#{e}", "/{e}"]:
            yield never(form.format(e=escape), "broken escape", "escape")
        yield never(f"https://www{escape}.example.org/app/", "broken escape", "escape")
        yield never(f"/\\evil.com/{escape}", "broken escape and more", "escape")
        yield never(f"javascript:{escape}", "broken escape and more", "refused")
        yield never(f"https://u{escape}@www.example.org/app/", "broken escape and more", "refused")
        yield never(f"https://evil.com/?{escape}", "broken escape and more", "refused")


def other_schemes():
    opaque = ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "JaVaScRiPt:alert(1)",
            "javascript:location='//www.example.org/app/'",
            "javascript:void(0)//www.example.org/app/", "data:text/html,<script>alert(1)</script>", "data:,x",
            "vbscript:x",
            "data:text/html;base64,PHNjcmlwdD4=", "blob:https://www.example.org/app/",
            "blob:https://www.example.org/1-2-3",
            "mailto:a@www.example.org", "tel:+49", "about:blank", "about:srcdoc", "urn:x",
            "view-source:https://www.example.org/app/",
            "filesystem:https://www.example.org/app/", "intent:x#Intent;end", "ms-settings:x", "x:y", "x:", "a+b:c",
            "myapp:callback",
            "myapp:", "myapp:/callback", "cid:x", "jar:https://www.example.org/app/!/",
            "feed:https://www.example.org/app/"]
    for text, blank in itertools.product(opaque, ["", " "]):
        yield never(blank + text, "another scheme")
    for text in ["javascript://www.example.org/app/%0aalert(1)", "javascript://www.example.org/app/",
            "data://www.example.org/app/",
            "intent://www.example.org/app/#Intent;scheme=https;end", "x://www.example.org/app/",
            "file:///etc/passwd", "file:/app/",
            "file://www.example.org/app/", "chrome://settings", "//", "///", "https://", "https:///", "http://",
            "https://?x", "https://#x",
            "//?x", "https://:443/app/", "//:443", "https://:/app/"]:
        yield never(text, "another scheme or no host")


def native():
    for rest, path in [("callback", ""), ("callback/", "/"), ("callback/x", "/x"), ("callback?code=1", ""),
            ("callback#x", ""), ("callback/%2e%2ex", "/x")]:
        yield lands(f"myapp://{rest}", "myapp", "callback", None, path, "native scheme")
        yield lands(f"MyApp://{rest}", "myapp", "callback", None, path, "native scheme")
    for rest in ["Callback", "callback:1", "callback.evil.com", "callbackx", "xcallback", "call%62ack",
            "evil.com/callback", "/callback",
            "callback:0", "callback:443", "", "?callback", "callback%00", "callback/..", "callback/%2e%2e/x",
            "calℂback"]:
        yield never(f"myapp://{rest}", "native scheme")
    for scheme in ["myappx", "myap", "xmyapp", "my-app", "myapp2", "myapp.evil"]:
        yield never(f"{scheme}://callback", "native scheme")


def dot_segments():
    dots = ["..", ".", "%2e%2e", "%2E%2e", ".%2e", "%2E.", "%2e", "%2E"]
    forms = ["https://www.example.org/app/{d}/x", "https://www.example.org/app/x/{d}/y",
            "https://www.example.org/app/{d}",
            "https://www.example.org/{d}/app/", "/app/{d}/x", "/{d}/app/x", "{d}", "{d}/app/x", "{d}/x?y", "x/{d}",
            "/app/x/{d}?q#f",
            "https://a.wild.example.org/in/{d}/", "https://evil.com/{d}/app/", "//www.example.org/app/{d}/{d}/x",
            "https://id.example.org/auth/self-service/{d}/{d}/admin"]
    for dot, form in itertools.product(dots, forms):
        yield never(form.format(d=dot), "dot segment")
    for kept in ["...", "..x", "x..", ".x", "%2e%2e%2e", "..%2fx", "%2e%2e%2fx", "..%5cx", ".%2e.", "..;", "…",
            "%252e%252e", "‥"]:
        yield here(f"https://www.example.org/app/{kept}", "/app/x", "dots that are no dot segment")
        yield here(f"/app/x/{kept}/y", "/app/x", "dots that are no dot segment")
    for tail in ["?x=/../y", "#/../y", "?..", "#..", "?x=/%2e%2e/"]:
        yield here(f"https://www.example.org/app/{tail}", "/app/", "dots behind the path")


def prefixes():
    for path in ["/application", "/application/", "/appx", "/app-x", "/app.x", "/app_x", "/app;x", "/app:x", "/app,x/",
            "/app%20", "/app x", "/App/",
            "/APP/", "/ap", "/ap/", "/", "", "//app/", "/x/app/", "/app*", "/app&x", "/app=x", "/aPp/x", "/％61pp/",
            "/а́pp/", "/ａpp/", "/app%E2%80%8B/"]:
        yield here(f"https://www.example.org{path}", path or "/", "prefix without a border")
        if path not in ["", "//app/"]:
            yield here(path, path, "prefix without a border")
    for path in ["/in", "/in/", "/in/x", "/in//x", "/inside", "/in-x", "/in.x", "/in%2f", "/IN", "/x/in", "/i", "/",
            ""]:
        yield https(f"https://a.wild.example.org{path}", "a.wild.example.org", path or "/", "prefix")
    for path in ["", "/", "/x", "x", "/registration", "/registration/browser", "-x", ".x", "%2f"]:
        yield https(f"{OWN}{path}", "id.example.org", f"/auth/self-service{path}", "own pages")
    for path in ["/auth", "/auth/", "/self-service", "/auth/self-servicex", "/Auth/self-service", "/auth//self-service",
            "/auth/sessions"]:
        yield https(f"https://id.example.org{path}", "id.example.org", path, "own pages")


def relative():
    for text, path in [("/app/", "/app/"), ("/app/x?y#z", "/app/x"), ("x", "/app/x"), ("x/y", "/app/x/y"),
            ("?q", "/app/welcome"), ("#f", "/app/welcome"),
            ("?", "/app/welcome"), ("#", "/app/welcome"), ("evil.com", "/app/evil.com"),
            ("www.example.org/app/", "/app/www.example.org"),
            ("evil.com/app/", "/app/evil.com"), ("@evil.com", "/app/@"), ("/x", "/x"), ("/", "/"),
            ("/welcome", "/welcome"),
            ("://www.example.org/app/", "/app/:"), ("https//evil.com", "/app/https"),
            ("1https://evil.com/", "/app/1https"),
            ("ht tps://evil.com/", "/app/ht"), ("https ://evil.com/", "/app/https"),
            ("-://evil.com", "/app/-"), ("é://evil.com", "/app/é"),
            ("&return_to=//evil.com", "/app/&"), (";//evil.com", "/app/;"), ("x?//evil.com", "/app/x"),
            ("?https://evil.com", "/app/welcome"),
            ("*", "/app/*"), ("ü", "/app/ü"), ("%20//evil.com", "/app/%20"), ("\u2028//evil.com", "/app/x"),
            ("\ufeff//evil.com", "/app/x"),
            ("\u00a0//evil.com", "/app/x"), ("\u3000//evil.com", "/app/x"), ("\u200b//evil.com", "/app/x")]:
        yield here(text, path, "relative")
    yield never("evil.com:443", "relative")
    yield never("//app/x", "relative")
    for blank in [" ", "  ", "          "]:
        yield https(f"{blank}https://www.example.org/app/", "www.example.org", "/app/", "blanks around")
        yield https(f"https://www.example.org/app/x{blank}", "www.example.org", "/app/x", "blanks around")
        yield https(f"{blank}https://evil.com/app/{blank}", "evil.com", "/app/", "blanks around")
        yield https(f"{blank}//evil.com/app/", "evil.com", "/app/", "blanks around")
        yield here(f"{blank}/app/x", "/app/x", "blanks around")
        yield here(f"/app/{blank}/x", "/app/", "blanks inside")
        yield here(f"/{blank}/evil.com", "/ /evil.com", "blanks inside")


def lengths():
    start = "https://www.example.org/app/"
    for size in [2046, 2047, 2048]:
        yield here(start + "x" * (size - len(start)), "/app/x", "longest")
        yield never("https://evil.com/" + "x" * (size - 17), "longest")
    for size in [2049, 2050, 4096, 10240]:
        yield never(start + "x" * (size - len(start)), "too long")
        yield never(start + "?" + "x" * (size - len(start) - 1), "too long")
        yield never(start + "/" * (size - len(start)), "too long")
    # Bytes count, not letters.
    yield here(start + "é" * 1010, "/app/x", "longest")
    yield never(start + "é" * 1011, "too long")
    yield never("%2f" * 5000, "too long")


def queries():
    """Whole queries: which of several values counts, and which pairs are none."""
    good, evil = "https%3A%2F%2Fwww.example.org%2Fapp%2F", "https%3A%2F%2Fevil.com"
    shown = "https://www.example.org/app/"
    rows = [
        (f"return_to={good}&return_to={evil}", "accepted", shown),
        (f"return_to={evil}&return_to={good}", "forbidden", None),
        (f"return_to[]={evil}", "accepted", None), (f"return_to%5B%5D={evil}", "accepted", None),
        (f"return_to[0]={evil}", "accepted", None),
        (f"Return_To={evil}", "accepted", None), (f"RETURN_TO={evil}", "accepted", None),
        (f"return%5fto={evil}", "forbidden", None),
        (f"%72eturn_to={evil}", "forbidden", None), (f"return_to={good};return_to={evil}", "accepted", None),
        (f"x=1;return_to={evil}", "accepted", None),
        ("return_to=%zz", "accepted", None), (f"return_to=%zz&return_to={evil}", "forbidden", None),
        (f"return_to=%zz&return_to={good}", "accepted", shown),
        ("return_to=", "accepted", None), ("return_to", "accepted", None),
        (f"return_to=&return_to={evil}", "accepted", None),
        (f"&&&return_to={evil}&&", "forbidden", None), ("return_to=/app/a+b", "accepted", "/app/a b"),
        ("return_to=/app/a%2Bb", "accepted", "/app/a+b"), (f"+return_to={evil}", "accepted", None),
        (f"return_to+={evil}", "accepted", None),
        (f"after_verification_return_to={evil}", "forbidden", None),
        (f"after_verification_return_to={good}", "accepted", None),
        (f"return_to={good}&after_verification_return_to={evil}", "forbidden", None),
        (f"return_to.={evil}", "accepted", None),
        ("return_to=https://www.example.org/app/?a=b", "accepted", "https://www.example.org/app/?a=b"),
        ("return_to=https://www.example.org/app/&a=b", "accepted", shown), ("return_to=//evil.com", "forbidden", None),
        (f"return_to=%68{good[1:]}", "accepted", shown),
    ]
    for query, verdict, echo in rows:
        yield {"query": query, "verdict": verdict, "echo": echo, "shape": "several parameters"}


def mixed():
    """Without end: known parts in every order, until there are enough."""
    dice = random.Random(20260729)
    hosts = [("www.example.org", "www.example.org"), ("WWW.example.ORG", "www.example.org"),
            ("ｗww.example.org", "www.example.org"),
            ("b.wild.example.org", "b.wild.example.org"), ("wild.example.org", "wild.example.org"),
            ("id.example.org", "id.example.org"),
            ("evil.com", "evil.com"), ("www.example.org.evil.com", "www.example.org.evil.com"),
            ("%77ww.example.org", "www.example.org"),
            ("www。example.org", "www.example.org"), ("evilwww.example.org", "evilwww.example.org")]
    starts = ["https://", "HTTPS://", "//", "hTTps://", "https:///"]
    ports_ = [("", 443), (":443", 443), (":", 443), (":8443", 8443), (":80", 80)]
    paths = ["/app/", "/app/x", "/application", "/in", "/in/y", "/inn", "/", "/auth/self-service",
            "/auth/self-servicex", "/app//x", "/App/", "/app/%2f"]
    while True:
        (written, host), (port, number), path = dice.choice(hosts), dice.choice(ports_), dice.choice(paths)
        text = dice.choice(starts) + written + port + path + dice.choice(TAILS)
        yield lands(text, "https", host, number, path, "mixed")


def make():
    families = [plain, slashes, backslashes, controls, encoded, user_info, ports, dots_and_labels, unicode_hosts,
            numbers, broken_escapes,
            other_schemes, native, dot_segments, prefixes, relative, lengths, queries, mixed]
    cases, seen = [], set()
    for case in itertools.chain.from_iterable(family() for family in families):
        key = case.get("asked", case.get("query"))
        if key and key not in seen:
            seen.add(key)
            cases.append(case)
        if len(cases) == COUNT:
            break
    return {"default": DEFAULT, "listed": LISTED, "cases": cases}
