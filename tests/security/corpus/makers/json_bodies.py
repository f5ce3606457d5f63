"""JSON bodies of a native client, for a schema with a required `traits.email` and an optional `traits.name`.

Python's own reader is the second opinion: what it cannot read is `undecodable`, and so is a key that is given twice with
different values, or more depth, values or text than the limits allow. Of what it reads a small model says what is wrong:

* `accepted`: nothing but the password, which is always too short or missing;
* `traits`, `transient`, `unclaimed`, `disabled`: messages at the traits, at `transient_payload`, 4010003, and 404;
* `too large`: 413;
* `refused`: a clear refusal where the texts do not say which.
"""

import itertools
import json
import random

from . import emails

COUNT = 800
BASE = {"method": "password", "password": "short", "traits": {"email": "ada@example.org"}}
TEXT = json.dumps(BASE)
NAME = {"first": "Ada", "last": "Lovelace"}


class Doubled(ValueError):
    """A key with two values."""


def members(pairs):
    known = {}
    for name, value in pairs:
        if name in known and known[name] != value:
            raise Doubled(name)
        known[name] = value
    return known


def no_constant(word):
    raise ValueError(word)


def read(text):
    """The first JSON value of a text."""
    reader = json.JSONDecoder(object_pairs_hook=members, parse_constant=no_constant)
    return reader.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))[0]


def model(text):
    """What is wrong with a text in which only texts and names were changed; nothing for what the model does not know."""
    try:
        value = read(text)
    except ValueError:
        return "undecodable"
    if not isinstance(value, dict):
        return "undecodable"
    if "\\u" in text or set(value) - {"method", "password", "traits"} and any("." in name for name in value):
        return None
    if value.get("method") != "password":
        return "unclaimed" if isinstance(value.get("method", ""), str) else None
    traits = value.get("traits", {})
    if not isinstance(traits, dict):
        return None
    email = traits.get("email")
    good = isinstance(email, str) and emails.is_address(email) and not any(map(emails.is_unseen, email))
    good = good and emails.is_address(emails.canonical(email))
    return "accepted" if good and set(traits) == {"email"} else "traits"


def row(text, verdict, shape, kind="application/json"):
    return {"body": text, "type": kind, "verdict": verdict, "shape": shape}


def body(verdict, shape, **changed):
    merged = {**BASE, **changed}
    return row(json.dumps({name: value for name, value in merged.items() if value is not ...}), verdict, shape)


def truncated():
    for size in range(len(TEXT)):
        yield row(TEXT[:size], "undecodable", "truncated")


def behind_and_before():
    for behind in ["}", " x", "\0", TEXT, "]", "//", "\n\n", ",", "{", '"', "\\", "null", "é", "<script>"]:
        yield row(TEXT + behind, "accepted", "behind the first value")
    for before in ["", " ", "\n", "\t\r\n ", " " * 1000]:
        yield row(before + TEXT, "accepted", "blanks before")
    for before in ["\ufeff", "\0", "\x0b", "\x0c", "\u00a0", "\u2028", "x", ",", ":", "//\n", "/**/", ")]}'\n",
            "while(1);", "}", "]", "\\", "'", "+", "#"]:
        yield row(before + TEXT, "undecodable", "something before")
    for other in ["1", "0", "-1", "1.5", "1e5", '"x"', '""', "true", "false", "null", "[]", "[1]", "[{}]", f"[{TEXT}]",
            json.dumps(TEXT)]:
        yield row(other, "undecodable", "no object")
    for broken in ["", "{", "[", '"', "nul", "tru", "NaN", "Infinity", "-Infinity", "-", "+1", ".5", "01", "'x'",
            "undefined", "{]", "{,}", "{'a':1}", "{a:1}", '{"a"}',
            '{"a":}', '{"a":1,}', '{"a":1 "b":2}', '{"a" 1}', '{1:1}', '{"a":[1,]}', '{"a":01}', '{"a":1.}',
            '{"a":.5}', '{"a":+1}', '{"a":NaN}', '{"a":0x1}', '{"a":1e}',
            '{"a":"\n"}', '{"a":"\t"}', '{"a":"\0"}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":"\\u12g4"}',
            '{"a":"\\"}', '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}',
            '{"a":tru}', '{"a":True}', '{"a":None}', '{"a":`x`}', '{"a":1;}', '{"a"=1}', '{{"a":1}}',
            '{"a":1}'[:-1], "<x/>", "a=b&c=d", "--edge\r\n"]:
        yield row(broken, "undecodable", "no JSON")


def encodings():
    plain = TEXT.encode()
    for name in ["utf-16", "utf-16-le", "utf-16-be", "utf-32"]:
        yield row({"hex": TEXT.encode(name).hex()}, "undecodable", "another encoding")
    for bad in ["ff", "80", "c0af", "c3", "e28080e2", "eda080", "f4908080", "fe", "f8888080", "c1bf", "e0809f"]:
        for mark in ["ada", "short", "email", "method"]:
            broken = plain.replace(mark.encode(), bytes.fromhex(bad) + mark.encode()[1:], 1)
            yield row({"hex": broken.hex()}, "undecodable", "bytes that are no text")
    yield row({"hex": plain.replace(b"short", "kürz".encode()).hex()}, "accepted", "another encoding")


def limits():
    shape = "limits"
    for depth, verdict in [(1, "accepted"), (16, "accepted"), (30, "accepted"), (31, "accepted"), (32, "undecodable"),
            (33, "undecodable"), (64, "undecodable"),
            (127, "undecodable"), (128, "undecodable"), (129, "undecodable"), (1000, "undecodable"),
            (10000, "undecodable")]:
        for opened, closed in [("[", "]"), ('{"a":', "}")]:
            yield row([[TEXT[:-1] + ', "x": ', 1], [opened, depth], ["1", 1], [closed, depth], ["}", 1]], verdict,
                    shape)
    for depth in [100, 1000, 10000, 60000]:
        yield row([["[", depth]], "undecodable", shape)
        yield row([['{"a":', min(depth, 13000)]], "undecodable", shape)
    # The root, three texts, the traits and the list are six values.
    for count, verdict in [(10, "accepted"), (993, "accepted"), (994, "accepted"), (995, "undecodable"),
            (1000, "undecodable"), (15000, "undecodable")]:
        yield row([[TEXT[:-1] + ', "x": [1', 1], [",1", count - 1], ["]}", 1]], verdict, shape)
        yield row([[TEXT[:-1] + ', "x": [{}', 1], [",{}", count - 1], ["]}", 1]], verdict, shape)
    for size, verdict in [(0, "accepted"), (4095, "accepted"), (4096, "accepted"), (4097, "undecodable"),
            (10000, "undecodable"), (60000, "undecodable")]:
        yield row([[TEXT[:-1] + ', "x": "', 1], ["a", size], ['"}', 1]], verdict, shape)
        yield row([[TEXT[:-1] + ', "x": ["', 1], ["a", size], ['"]}', 1]], verdict, shape)
    # Bytes count, not letters.
    for letters, verdict in [(2048, "accepted"), (2049, "undecodable")]:
        yield row([[TEXT[:-1] + ', "x": "', 1], ["é", letters], ['"}', 1]], verdict, shape)
    for name in ["id_token", "passkey_register", "webauthn_register"]:
        for size, verdict in [(32768, "accepted"), (32769, "undecodable"), (60000, "undecodable")]:
            yield row([[TEXT[:-1] + f', "{name}": "', 1], ["a", size], ['"}', 1]], verdict, shape)
        yield row([[TEXT[:-1] + ', "x": {"' + name + '": "', 1], ["a", 4097], ['"}}', 1]], "undecodable", shape)
    for size, verdict in [(1024, "traits"), (4096, "traits"), (4097, "undecodable")]:
        yield row([['{"method": "password", "password": "short", "traits": {"email": "', 1], ["a", size], ['"}}', 1]],
                verdict, shape)
    for size, verdict in [(1025, "accepted"), (4096, "accepted"), (5000, "accepted"), (60000, "refused")]:
        yield row([['{"method": "password", "traits": {"email": "ada@example.org"}, "password": "', 1], ["a", size],
                ['"}', 1]], verdict, shape)
    for total, verdict in [(65535, "accepted"), (65536, "accepted"), (65537, "too large"), (100000, "too large"),
            (5242880, "too large"), (5242881, "too large")]:
        yield row([[TEXT, 1], [" ", total - len(TEXT)]], verdict, shape)
        yield row([[" ", total - len(TEXT)], [TEXT, 1]], verdict, shape)
        yield row([["[", total]], "undecodable" if verdict == "accepted" else verdict, shape)


def doubled():
    for name, value in [("method", "password"), ("password", "short"), ("traits", BASE["traits"]), ("x", 1),
            ("x", None), ("x", [1, {"a": 2}]), ("", "")]:
        again = f'"{name}": {json.dumps(value)}'
        yield row(TEXT[:-1] + f", {again}, {again}" + "}", "accepted", "doubled, equal")
        yield row(TEXT[:-1] + ", " + ", ".join([again] * 50) + "}", "accepted", "doubled, equal")
        for other in ["2", '"2"', "null", "{}", "[]", "false", '"Password"']:
            if json.loads(other) != value:
                yield row(TEXT[:-1] + f', {again}, "{name}": {other}' + "}", "undecodable", "doubled, unequal")
                yield row(TEXT[:-1] + f', "{name}": {other}, {again}' + "}", "undecodable", "doubled, unequal")
                yield row(TEXT[:-1] + ', "deep": {"list": [{' + again + f', "{name}": {other}' + "}]}}", "undecodable",
                        "doubled, unequal")
    for first, second in [("ada@example.org", "bob@example.org"), ("x", "ada@example.org"), ("ada@example.org", None),
            ("ada@example.org", "Ada@example.org")]:
        pairs = f'"email": {json.dumps(first)}, "email": {json.dumps(second)}'
        yield row(TEXT.replace('"email": "ada@example.org"', pairs), "undecodable", "doubled, unequal")
    yield row(TEXT.replace("method", "\\u006dethod").replace("{", '{"method": "code", ', 1), "undecodable",
            "doubled, unequal")
    yield row(TEXT.replace("{", '{"\\u006dethod": "password", ', 1), "accepted", "doubled, equal")


def types():
    odd = [0, 5, -1, 1.5, True, False, [], ["a"], {}, {"a": 1}, [[]], [None]]
    for value in odd + [None]:
        yield body("traits", "type of an e-mail address", traits={"email": value})
        is_object = isinstance(value, dict)
        yield body("accepted" if is_object else "traits", "type of a name", traits={**BASE["traits"], "name": value})
        yield body("traits", "type of a first name", traits={**BASE["traits"], "name": {"first": value}})
        yield body("accepted", "type of a password", password=value)
        yield body("accepted", "type of something unknown", unknown=value)
        yield body("accepted", "type of a token", csrf_token=value)
        if value is None or isinstance(value, (dict, list, bool, int, float)):
            yield body("unclaimed", "type of a method", method=value)
    for value in [0, 5, True, False, None, {}]:
        yield body("traits", "type of the traits", traits=value)
    for value in [[], ["a"], [{}], [["email", "ada@example.org"]]]:
        yield body("refused", "type of the traits", traits=value)
    for value in ["x", "{", "ada@example.org", "[", "{'a':1}", "{\"email\":", "tru", "\\", "\0"]:
        yield body("undecodable", "traits as a text", traits=value)
    yield body("accepted", "traits as a text", traits='{"email":"ada@example.org"}')
    yield body("traits", "traits as a text", traits='{"email":"x"}')
    yield body("traits", "traits as a text", traits="")
    for value in [0, 42, True, [], [1], 1.5, "[1]", "5", "true", '"x"']:
        yield body("transient", "type of transient_payload", transient_payload=value)
    for value in ["x", "{", "{'a':1}"]:
        yield body("undecodable", "transient_payload as a text", transient_payload=value)
    for value in [{}, {"a": {"b": [1, 2]}}, '{"a":1}', "", None, {"a": "x" * 4000}]:
        yield body("accepted", "type of transient_payload", transient_payload=value)
    for depth, verdict in [(16, "accepted"), (31, "accepted"), (33, "refused"), (100, "refused")]:
        yield body(verdict, "transient_payload as a text", transient_payload='{"a":' * depth + "1" + "}" * depth)
    for name, same, other in [("traits", '{"email":"ada@example.org","email":"ada@example.org"}',
            '{"email":"ada@example.org","email":"bob@example.org"}'),
            ("transient_payload", '{"a":1,"a":1}', '{"a":1,"a":2}')]:
        yield body("accepted", "doubled, equal, in a text", **{name: same})
        yield body("refused", "doubled, unequal, in a text", **{name: other})
    yield body("refused", "too much transient_payload", transient_payload={f"k{n}": "x" * 4000 for n in range(5)})


def fields():
    for method in ["", "x", "Password", "PASSWORD", " password", "password ", "password\0", "passwörd", "pass",
            "passwordx", "\u200bpassword", "constructor", "__proto__", "../password"]:
        yield body("unclaimed", "unknown method", method=method)
    yield body("unclaimed", "no method", method=...)
    yield body("disabled", "a method that is not there", method="code")
    for traits, verdict in [({}, "traits"), ({"email": ""}, "traits"), ({"Email": "ada@example.org"}, "traits"),
            ({"email": "ada@example.org", "x": 1}, "traits"),
            ({"email": "ada@example.org", "name": NAME}, "accepted"),
            ({"email": "ada@example.org", "name": {"first": "A"}}, "traits"),
            ({"email": "ada@example.org", "name": {"first": "", "x": 1}}, "traits"),
            ({"email": "ada@example.org", "name.first": "Ada"}, "traits"),
            ({"email": "ada@example.org", "__proto__": {}}, "traits"),
            ({"email": "ada@example.org", "": 1}, "traits"),
            ({"email": "ada@example.org", "a~1b/c": 1}, "traits"),
            ({"email": "ada@example.org", "\0": 1}, "traits"), ({"email": "x"}, "traits"),
            ({"email": "ada@example.org", "name": {"first": "x" * 4096}}, "accepted"),
            ({"email": "ada@example.org\0"}, "traits")]:
        yield body(verdict, "traits", traits=traits)
    yield body("traits", "no traits", traits=...)
    yield body("accepted", "no password", password=...)
    for flat, verdict in [({"traits.email": "ada@example.org"}, "accepted"), ({"traits.email": "x"}, "traits"),
            ({"traits.email": 5}, "traits"), ({"traits.email": None}, "traits"),
            ({"traits.email": "ada@example.org", "traits.name.first": "Ada"}, "accepted"),
            ({"traits.email": "ada@example.org", "traits.name.first": "A"}, "traits"),
            ({"traits.email": "ada@example.org", "traits.unknown": "x"}, "accepted"),
            ({"traits.email": "ada@example.org", "traits.": "x"}, "accepted"),
            ({"traits.email": "ada@example.org", "traits.name": "x"}, "undecodable"),
            ({"traits.email": "ada@example.org", "traits.name": "{}"}, "accepted"),
            ({"traits..email": "ada@example.org"}, "traits"),
            ({".traits.email": "ada@example.org"}, "traits"), ({"traits[email]": "ada@example.org"}, "traits")]:
        yield body(verdict, "flat names", traits=..., **flat)
    yield body("traits", "flat names beside nested ones", **{"traits.email": "x"})
    yield body("accepted", "flat names beside nested ones", traits={"email": "x"},
            **{"traits.email": "ada@example.org"})
    for number in ["1e308", "-1e308", "1e-400", "123456789012345678901234567890", "-0", "0e0", "1E+2", "0.1e1",
            "9007199254740993", "18446744073709551616", "-9223372036854775809"]:
        yield row(TEXT[:-1] + f', "x": {number}' + "}", "accepted", "numbers")
    for number in ["1e400", "-1e400", "1e999999999", "1e99999999999999999999"]:
        yield row(TEXT[:-1] + f', "x": {number}' + "}", "undecodable", "numbers")


def content_types():
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8",
            "Application/Json ; charset=\"utf-8\"", "application/json; a=b; c=d", "application/json;"]:
        yield row(TEXT, "accepted", "content type", kind)
    for kind in ["", "text/plain", "text/json", "application/json5", "application/problem+json", "application/x-json",
            "text/html", "application/xml", "application/octet-stream", "json",
            "application", "application/", "/json", "application/json, text/plain", "application/jsonx",
            "xapplication/json", "application/json; charset", "application /json",
            "application/csp-report", "*/*", "application/*", "text/plain;application/json", "application/ld+json",
            "\"application/json\""]:
        yield row(TEXT, "undecodable", "content type", kind)
    yield row("%zz" + TEXT, "undecodable", "another form", "application/x-www-form-urlencoded")
    yield row(TEXT, "unclaimed", "another form", "multipart/form-data; boundary=x")


def mixed():
    dice = random.Random(20260731)
    signs = '{}[]":,\\ \n\0x1.-eé'
    while True:
        text = TEXT
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(text))
            text = dice.choice([text[:at] + text[at + 1:], text[:at] + dice.choice(signs) + text[at:],
                    text[:at] + dice.choice(signs) + text[at + 1:],
                    text[:at] + text[at:at + 9] + text[at:]])
        verdict = model(text)
        if verdict:
            yield row(text, verdict, "mixed")


def make():
    families = [truncated, behind_and_before, encodings, limits, doubled, types, fields, content_types, mixed]
    cases, seen = [], set()
    for case in itertools.chain.from_iterable(family() for family in families):
        key = json.dumps([case["body"], case["type"]])
        if key not in seen:
            seen.add(key)
            cases.append(case)
        if len(cases) == COUNT:
            break
    return {"cases": cases}
