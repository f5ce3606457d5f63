"""Cookie headers of a browser that answers its flow with its token.

`{name}` and `{value}` stand for the CSRF cookie that the flow was begun with, `{other}` for another browser's value. The
token is always right, so the cookies decide:

* `ours`: exactly one cookie of this name with exactly this value, whatever stands beside it;
* `csrf`: none, another one, a broken one, or two of the name (TH-X4);
* `too many`: more than 8 KiB or 64 cookies, refused before anything is looked at.
"""

import itertools
import random

COUNT = 300
OWN = "{name}={value}"


def row(lines, verdict, shape):
    return {"lines": [lines] if not isinstance(lines, list) else lines, "verdict": verdict, "shape": shape}


def alone():
    yield row([], "csrf", "none")
    for text in [OWN, " " + OWN, OWN + " ", OWN + ";", ";" + OWN, OWN + "; ", "; " + OWN + ";"]:
        yield row(text, "ours", "alone")
    for text in ["{name}", "{name}=", "{value}", "={value}", "{name}={other}", "{name}=x", "{name}=AAAA",
            "{name}={value}{value}", "{name}={value}=", "{name}={value}A",
            "{name}=A{value}", "{name}=={value}", "{name}:{value}", "{name}={value}\t.", "{name}={value},x",
            "{name}=%7B{value}", "{name}={value}%3D", "{name}=null",
            "{name}=undefined", "{name}=..", "{name}=" + "A" * 43 + "=", "{name}=" + "A" * 44,
            "{name}=" + "/" * 43 + "=", "{name}=" + "A" * 88, "{name}=" + "A" * 4000,
            "x{name}={value}", "{name}x={value}", "__Host-{name}={value}", "__Secure-{name}={value}",
            "csrf_token={value}", "csrf_token_={value}",
            "{name}[]={value}", "{name} x={value}", "x {name}={value}", "a={name}={value}", "a=b {name}={value}",
            "a=b,{name}={value}", "a=b&{name}={value}"]:
        yield row(text, "csrf", "another one, or broken")


def doubled():
    for first, second in itertools.permutations(["{value}", "{other}", "", "x", "A" * 43 + "="], 2):
        yield row(f"{{name}}={first}; {{name}}={second}", "csrf", "two of the name")
        yield row([f"{{name}}={first}", f"{{name}}={second}"], "csrf", "two of the name")
    for text in [f"{OWN}; {OWN}", f"{OWN};{OWN}", f"{OWN}; {{name}}", f"{{name}}; {OWN}", f"{OWN}; a=b; {OWN}",
            f"{OWN}; {OWN}; {OWN}", f"{{name}}=; {OWN}", f"a=b; {OWN}; {OWN}; c=d"]:
        yield row(text, "csrf", "two of the name")
        yield row(text.split("; "), "csrf", "two of the name")


def beside():
    others = ["a=b", "a", "a=", "=b", "=", "a=b=c", "a==", "a=\"b\"", "a=b c", "a=b,c", "$Version=1", "Path=/",
            "expires=Thu, 01 Jan 1970 00:00:00 GMT", "HttpOnly", "Secure", "a=%zz", "a=%00", "a={}",
            'a={"b":"c"}', "a=<script>", "a=../..", "__cf_bm=1", "ory_kratos_session=x", "ory_kratos_session=",
            "ory_kratos_session=" + "A" * 300, "ory_kratos_session={value}",
            "ory_kratos_session=ory_st_" + "a" * 32, "csrf_token_x={other}", "csrf_token={other}",
            "__Host-{name}={other}", "x{name}={other}", "{name}x={other}", "a={name}",
            "a=" + "x" * 4000, "constructor=1", "__proto__=1", "a='", "a=\\", "a=\\\"", "[]=1", "a[b]=1", "a\tb=c",
            "{value}={name}"]
    for other in others:
        yield row(f"{other}; {OWN}", "ours", "something beside")
        yield row(f"{OWN}; {other}", "ours", "something beside")
        if other not in ("a=b c",):
            yield row([other, OWN], "ours", "something in another line")
    # What a page's script writes into a cookie, browsers send in UTF-8.
    for other in ["name=Ada Löwe", "größe=1", "a=漢字", "emoji=🎉"]:
        yield row(f"{other}; {OWN}", "ours", "letters outside of ASCII beside")
        yield row(f"{OWN}; {other}", "ours", "letters outside of ASCII beside")
        yield row([other, OWN], "ours", "letters outside of ASCII beside")


def limits():
    # With `; ` between them: 64 cookies are let in, and 8,192 bytes.
    for count, verdict in [(10, "ours"), (63, "ours"), (64, "too many"), (65, "too many"), (500, "too many"),
            (1000, "too many")]:
        cookies = [f"c{n}=x" for n in range(count)]
        yield row("; ".join(cookies + [OWN]), verdict, "how many")
        yield row(cookies + [OWN], verdict, "how many") if count < 90 else row("; ".join([OWN] + cookies), verdict,
                "how many")
    yield row("; ".join(f"c{n}=x" for n in range(64)), "csrf", "how many")
    yield row("; ".join(f"c{n}=x" for n in range(65)), "too many", "how many")
    for size, verdict in [(4096, "csrf"), (8191, "csrf"), (8192, "csrf"), (8193, "too many"), (10000, "too many"),
            (60000, "too many")]:
        yield row("a=" + "x" * (size - 2), verdict, "how large")
        yield row(["a=" + "x" * (size // 2 - 2), "b=" + "x" * (size - size // 2 - 2)], verdict, "how large")
    yield row(["a=" + "x" * 7000, OWN], "ours", "how large")
    yield row(["a=" + "x" * 8190, OWN], "too many", "how large")


def mixed():
    dice = random.Random(20260802)
    while True:
        names = [f"k{dice.randint(0, 99)}" for _ in range(dice.randint(0, 9))]
        cookies = [f"{name}={dice.choice(['', 'x', 'a=b', '{other}', '{name}'])}" for name in names]
        own = dice.choice([[OWN], [OWN], [OWN], [], ["{name}={other}"], [OWN, OWN], [OWN, "{name}={other}"]])
        for cookie in own:
            cookies.insert(dice.randint(0, len(cookies)), cookie)
        line = dice.choice(["; ", ";", " ; ", ";;"]).join(cookies)
        yield row(dice.choice([line, cookies]), "ours" if own == [OWN] else "csrf", "mixed")


def make():
    cases, seen = [], set()
    for case in itertools.chain(alone(), doubled(), beside(), limits(), mixed()):
        key = "\n".join(case["lines"])
        if key not in seen or not case["lines"]:
            seen.add(key)
            cases.append(case)
        if len(cases) == COUNT:
            break
    return {"cases": cases}
