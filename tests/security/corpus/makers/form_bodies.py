"""Form bodies of a native client, for the schema and with the verdicts of `json_bodies`.

A small reader of forms, written here from the contract, says what the mixed ones hold: pairs between `&`, a plus is a
blank, a broken escape or a semicolon breaks the whole body, the first value of a name counts, names that the schema does
not know are ignored, an empty value counts as none.

One verdict more: `harmless` for names with an index in brackets. The contract ignores them, the table of limits refuses
large ones; either way nothing grows with the index.
"""

import itertools
import json
import random
from urllib.parse import quote_plus, unquote_to_bytes

from . import emails

COUNT = 500
BASE = [("method", "password"), ("password", "short"), ("traits.email", "ada@example.org")]
FORM = "application/x-www-form-urlencoded"


def joined(pairs):
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


TEXT = joined(BASE)


def row(text, verdict, shape, kind=FORM):
    return {"body": text, "type": kind, "verdict": verdict, "shape": shape}


def more(verdict, shape, *pairs):
    return row(joined(BASE + list(pairs)), verdict, shape)


def instead(verdict, shape, name, value):
    return row(joined([(known, value if known == name else old) for known, old in BASE]), verdict, shape)


def model(text):
    fields = {}
    if ";" in text:
        return "undecodable"
    for at, sign in enumerate(text):
        if sign == "%" and (len(text[at + 1:at + 3]) < 2 or set(text[at + 1:at + 3]) - set("0123456789abcdefABCDEF")):
            return "undecodable"
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        try:
            name, value = (unquote_to_bytes(part.replace("+", " ")).decode() for part in (name, value))
        except UnicodeDecodeError:
            return "undecodable"
        fields.setdefault(name, value)
    if set(fields) & {"traits", "traits.name", "transient_payload"}:
        return None
    if fields.get("method") != "password":
        return "unclaimed"
    email = fields.get("traits.email", "")
    return "accepted" if emails.judged(email, "")["verdict"] == "accepted" else "traits"


def escapes():
    for escape in ["%", "%z", "%zz", "%2", "%%", "%u0041", "%gg", "%-1", "% 1", "%+1", "%2g", "%é", "%\0\0", "%25%"]:
        for form in ["{}", "{}&" + TEXT, TEXT + "&{}", TEXT + "&x={}", TEXT + "&{}=x", TEXT + "{}", "x{}y&" + TEXT]:
            yield row(form.format(escape), "undecodable", "broken escape")
    for form in [";", TEXT + ";", ";" + TEXT, TEXT + "&a=b;c=d", TEXT.replace("&", ";"), TEXT + "&x=;", "x;=1&" + TEXT]:
        yield row(form, "undecodable", "semicolon")
    yield row(TEXT + "&x=%3B", "accepted", "semicolon")
    for bad in ["%ff", "%80", "%c0%af", "%c3", "%ed%a0%80", "%f4%90%80%80", "%fe%ff", "%e2%80", "%C3%28"]:
        for form in [TEXT + "&x={}", TEXT + "&{}=x", TEXT + "{}", TEXT.replace("short", "{}")]:
            yield row(form.format(bad), "undecodable", "bytes that are no text")
    for bad in ["ff", "80", "c3", "eda080", "c0af"]:
        yield row({"hex": (TEXT + "&x=").encode().hex() + bad}, "undecodable", "bytes that are no text")
        yield row({"hex": bad + TEXT.encode().hex()}, "undecodable", "bytes that are no text")
    yield row(TEXT + "&x=ü&ü=x", "accepted", "letters as they are")
    yield row(TEXT.replace("method", "%6d%65thod").replace("traits", "%74raits"), "accepted", "escapes that are none")
    yield row(TEXT.replace("%40", "@").replace("short", "s+h%2Bt"), "accepted", "escapes that are none")


def shapes():
    for form, verdict in [("&" + TEXT, "accepted"), (TEXT + "&", "accepted"),
            ("&&&" + TEXT.replace("&", "&&"), "accepted"), (TEXT + "&=", "accepted"), (TEXT + "&=x", "accepted"),
            (TEXT + "&x", "accepted"), (TEXT + "&x=", "accepted"), (TEXT + "&x==", "accepted"),
            (TEXT + "&x=a=b", "accepted"), (TEXT + "&\0=\0", "accepted"),
            (TEXT + "&x=%00", "accepted"), (TEXT + "\r\n", "traits"), ("\r\n" + TEXT, "unclaimed"),
            (" " + TEXT, "unclaimed"), ("?" + TEXT, "unclaimed"),
            ("&", "unclaimed"), ("=", "unclaimed"), ("x", "unclaimed"), ("method", "unclaimed"),
            ("method=", "unclaimed"), ("method=password", "traits"),
            ("method=password&password=short", "traits"),
            ("method=password&traits.email=ada@example.org", "accepted"), ("", "undecodable"),
            (json.dumps({"method": "password"}), "unclaimed"), ("<x/>", "unclaimed"), ("\0", "unclaimed"),
            ("%00", "unclaimed"), ("\ufeff" + TEXT, "unclaimed")]:
        yield row(form, verdict, "shape of the body")
    for method in ["x", "Password", " password", "password ", "password\0", "passwords", "[]", "password,password",
            "\u200bpassword", "пароль"]:
        yield instead("unclaimed", "unknown method", "method", method)
    yield instead("disabled", "a method that is not there", "method", "code")
    for name in ["Method", "METHOD", "method ", "method[]", "method.", "method.0", "methοd"]:
        yield row(joined([(name, "password")] + BASE[1:]), "unclaimed", "unknown name")
    for name in ["Traits.email", "traits.Email", "traits[email]", "traits..email", ".traits.email", "traits.email.",
            "traits.email[]", "traits.email.0", "traits/email", "email", "traits.email ", "traits%2eemail"]:
        yield row(joined(BASE[:2] + [(name, "ada@example.org")]), "traits", "unknown name")


def doubled():
    shape = "doubled"
    yield more("accepted", shape, ("traits.email", "x"))
    yield row(joined([("traits.email", "x")] + BASE), "traits", shape)
    yield more("accepted", shape, ("method", "code"))
    yield row(joined([("method", "x")] + BASE), "unclaimed", shape)
    yield row(joined([("traits.email", "")] + BASE), "traits", shape)
    yield row(joined([("password", "")] + BASE), "accepted", shape)
    yield more("accepted", shape, ("password", "another one"))
    yield more("accepted", shape, ("x", "1"), ("x", "2"), ("x", "3"))
    yield more("accepted", shape, ("traits.name.first", "Ada"), ("traits.name.first", "A"))
    yield more("traits", shape, ("traits.name.first", "A"), ("traits.name.first", "Ada"))


def values():
    for first, verdict in [("Ada", "accepted"), ("A", "traits"), ("", "accepted"), ("ü", "traits"), ("üü", "accepted"),
            ("🎉", "traits"), ("  ", "accepted"), ("null", "accepted"), ("{}", "accepted")]:
        yield more(verdict, "first name", ("traits.name.first", first))
    for email in ["", "x", "@", "ada@", "ada@example.org\0", "ada@example.org\r\nBcc: b@c.d", "a b@example.org",
            "a,b@example.org", "5", "null", "{}", "[]", "true", "a@b@c", "ada@example.org "]:
        yield instead("traits", "e-mail address", "traits.email", email)
    for text in ["x", "{", "[", "{'a':1}", "ada@example.org", "undefined", "NaN", "{]", '{"email":}']:
        yield more("undecodable", "an object that is none", ("traits", text))
        yield more("undecodable", "an object that is none", ("traits.name", text))
        yield more("undecodable", "an object that is none", ("transient_payload", text))
    for text in ["5", "true", "[1]", '"x"', "1.5", "[]"]:
        yield more("transient", "an object of another type", ("transient_payload", text))
        yield more("traits", "an object of another type", ("traits.name", text))
        yield more("refused", "an object of another type", ("traits", text))
    for text, verdict in [("{}", "accepted"), ('{"email":"x"}', "accepted"), ('{"x":1}', "traits"),
            ('{"name":{"first":"A"}}', "traits"), ('{"name":{"first":"Ada"}}', "accepted"), ("", "accepted")]:
        yield more(verdict, "traits as JSON", ("traits", text))
    yield row(joined(BASE[:2] + [("traits", '{"email":"ada@example.org"}')]), "accepted", "traits as JSON")
    yield row(joined(BASE[:2] + [("traits", '{"email":5}')]), "traits", "traits as JSON")
    for text in ["{}", '{"a":1}', '{"a":{"b":[1]}}', ""]:
        yield more("accepted", "transient_payload as JSON", ("transient_payload", text))
        yield more("accepted", "name as JSON", ("traits.name", text))
    yield more("accepted", "transient_payload in parts", ("transient_payload.a", "1"), ("transient_payload.b.c", "x"))
    yield more("refused", "deep JSON in a field", ("transient_payload", "[" * 4096))
    yield more("refused", "deep JSON in a field", ("transient_payload", '{"a":' * 800))
    yield more("refused", "deep JSON in a field", ("traits", '{"a":' * 800 + "1" + "}" * 800))
    for depth, verdict in [(1, "accepted"), (16, "accepted"), (31, "accepted"), (33, "refused"), (64, "refused"),
            (120, "refused"), (128, "refused")]:
        yield more(verdict, "deep JSON in a field", ("transient_payload", '{"a":' * depth + "1" + "}" * depth))
        yield more(verdict, "deep JSON in a field",
                ("transient_payload", '{"a":' + "[" * (depth - 1) + "1" + "]" * (depth - 1) + "}"))
    for name, same, other in [("traits", '{"email":"ada@example.org","email":"ada@example.org"}',
            '{"email":"ada@example.org","email":"bob@example.org"}'),
            ("traits.name", '{"first":"Ada","first":"Ada"}', '{"first":"Ada","first":"Bob"}'),
            ("transient_payload", '{"a":1,"a":1}', '{"a":1,"a":2}')]:
        yield more("accepted", "doubled, equal, in a field", (name, same))
        yield more("refused", "doubled, unequal, in a field", (name, other))
    yield more("accepted", "an unknown trait", ("traits.unknown", "x"))
    yield more("accepted", "an unknown trait", ("traits.__proto__.x", "x"))
    yield more("accepted", "a token", ("csrf_token", "x"))


def indexes():
    for index in ["", "0", "64", "65", "1000", "999999999", "4294967296", "18446744073709551616", "-1", "1e9",
            "0x7fffffff", "9" * 1000]:
        for name in ["traits.a[{}]", "traits[{}]", "traits.email[{}]", "a[{}]", "[{}]", "traits.a[{}][{}]",
                "traits.a[{}].b"]:
            yield more("harmless", "index", (name.format(index, index), "x"))
    for index in ["0", "65", "999999999"]:
        yield more("accepted", "index", (f"traits.a.{index}", "x"))


def limits():
    shape = "limits"
    for fields, verdict in [(199, "accepted"), (200, "accepted"), (201, "undecodable"), (1000, "undecodable"),
            (5000, "undecodable"), (10000, "undecodable")]:
        extra = fields - len(BASE)
        yield row(TEXT + "".join(f"&f{n}" for n in range(extra)) if extra < 300 else [[TEXT, 1], ["&a=b", extra]],
                verdict, shape)
    yield row([["a&", 32000]], "undecodable", shape)
    yield row([["&", 60000], [TEXT, 1]], "accepted", shape)
    for depth, verdict in [(2, "accepted"), (16, "accepted"), (17, "undecodable"), (100, "undecodable"),
            (10000, "undecodable")]:
        yield row([[TEXT + "&", 1], ["a.", depth - 1], ["a=x", 1]], verdict, shape)
        yield row([[TEXT + "&traits", 1], [".a", depth - 1], ["=x", 1]], verdict, shape)
    yield row([[TEXT + "&", 1], [".", 30000], ["=x", 1]], "undecodable", shape)
    for size, verdict in [(4095, "accepted"), (4096, "accepted"), (4097, "undecodable"), (60000, "undecodable")]:
        yield row([[TEXT + "&x=", 1], ["a", size]], verdict, shape)
        yield row([[TEXT + "&traits.name.first=", 1], ["a", size]], verdict, shape)
    for escaped, verdict in [(4096, "accepted"), (4097, "undecodable")]:
        yield row([[TEXT + "&x=", 1], ["%61", escaped]], verdict, shape)
    yield row([[TEXT + "&x=", 1], ["%C3%A9", 2048]], "accepted", shape)
    yield row([[TEXT + "&x=", 1], ["%C3%A9", 2049]], "undecodable", shape)
    for name in ["id_token", "passkey_register", "webauthn_register"]:
        for size, verdict in [(32768, "accepted"), (32769, "undecodable")]:
            yield row([[TEXT + f"&{name}=", 1], ["a", size]], verdict, shape)
    for size, verdict in [(1025, "accepted"), (4096, "accepted"), (5000, "accepted"), (60000, "refused")]:
        yield row([["method=password&traits.email=ada@example.org&password=", 1], ["a", size]], verdict, shape)
    for total, verdict in [(65535, "accepted"), (65536, "accepted"), (65537, "too large"), (100000, "too large"),
            (5242880, "too large")]:
        yield row([[TEXT, 1], ["&", total - len(TEXT)]], verdict, shape)
        yield row([["&", total - len(TEXT)], [TEXT, 1]], verdict, shape)


def content_types():
    for kind in [FORM + "; charset=utf-8", FORM.upper(), FORM + ";charset=UTF-8", FORM + " ; a=b", FORM + ";"]:
        yield row(TEXT, "accepted", "content type", kind)
    for kind in ["multipart/form-data", "multipart/form-data; boundary=x", "Multipart/Form-Data; boundary=\"x y\"",
            "multipart/form-data; boundary="]:
        yield row(TEXT, "unclaimed", "content type", kind)
        yield row('--x\r\nContent-Disposition: form-data; name="method"\r\n\r\npassword\r\n--x--\r\n', "unclaimed",
                "content type", kind)
    for kind in ["text/plain", "application/x-www-form-urlencode", "x-www-form-urlencoded", FORM + "; charset",
            "multipart/mixed; boundary=x", "multipart/related", "form-data", FORM + "," + FORM, "text/html"]:
        yield row(TEXT, "undecodable", "content type", kind)


def mixed():
    dice = random.Random(20260801)
    while True:
        text = TEXT
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(text))
            sign = dice.choice("&=%+.@;[] \0aé")
            text = dice.choice([text[:at] + text[at + 1:], text[:at] + sign + text[at:],
                    text[:at] + sign + text[at + 1:]])
        verdict = model(text)
        if verdict:
            yield row(text, verdict, "mixed")


def make():
    families = [escapes, shapes, doubled, values, indexes, limits, content_types, mixed]
    cases, seen = [], set()
    for case in itertools.chain.from_iterable(family() for family in families):
        key = json.dumps([case["body"], case["type"]])
        if key not in seen:
            seen.add(key)
            cases.append(case)
        if len(cases) == COUNT:
            break
    return {"cases": cases}
