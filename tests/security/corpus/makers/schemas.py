"""Identity schemas: hostile and plain ones, each with whether the service starts with it.

Refused are (TH-L6 and the contract): what is no JSON or no identity schema, what is too large, references that lead
elsewhere, nowhere or to themselves, patterns that need more than linear time or too much memory, keywords with a value
that they do not take, marks that say something unknown. Everything else starts, and then no value may cost more than a
few milliseconds: that is what the values are for, common ones and some that fit the schema.
"""

import json

MARK = {"credentials": {"password": {"identifier": True}}}
EMAIL = {"type": "string", "format": "email", "ory.sh/kratos": MARK}


def schema(trait, **beside):
    traits = {"type": "object", "required": ["email"], "properties": {"email": EMAIL, "t": trait}}
    return json.dumps({"type": "object", **beside, "properties": {"traits": traits}})


def refused(name, text):
    return {"name": name, "start": "refused", "hostile": True, "schema": text}


def starts(name, trait, *values, hostile=True, **beside):
    fits = [json.dumps(value) for value in values]
    return {"name": name, "start": "starts", "hostile": hostile, "schema": schema(trait, **beside), "values": fits}


def pieces(*parts):
    return [part if isinstance(part, list) else [part, 1] for part in parts]


def no_schema():
    yield refused("nothing", "")
    yield refused("half a document", schema({})[:-1])
    yield refused("a list", "[]")
    yield refused("a number", "5")
    yield refused("no properties", '{"type":"object"}')
    yield refused("no traits", '{"properties":{"email":{"type":"string"}}}')
    yield refused("traits without properties", '{"properties":{"traits":{"type":"object"}}}')
    yield refused("traits with nothing in them", '{"properties":{"traits":{"type":"object","properties":{}}}}')
    yield refused("traits that are a list",
            '{"properties":{"traits":{"type":"array","properties":{"email":{"type":"string"}}}}}')
    yield refused("a trait that is no object",
            '{"properties":{"traits":{"type":"object","properties":{"email":true}}}}')
    yield refused("traits elsewhere",
            '{"properties":{"traits":{"$ref":"#/definitions/x"}},"definitions":{"x":{"properties":{"email":{"type":"string"}}}}}')


def too_large():
    start, end = schema({"type": "string"}).split('"t": {')
    yield refused("more than a mebibyte", pieces(schema({})[:-1] + ',"title":"', ["x", 1024 * 1024], '"}'))
    yield refused("more than 20,000 values", pieces(schema({})[:-1] + ',"x":[1', [",1", 20001], "]}"))
    yield refused("a hundred levels", pieces(schema({})[:-1] + ',"x":', ["[", 100], ["]", 100], "}"))
    yield refused("a hundred thousand levels", pieces(["[", 100000]))
    yield refused("a hundred thousand levels of properties", pieces(['{"properties":', 30000]))
    many = ",".join(f'"t{n}":{{"type":"string"}}' for n in range(1100))
    yield refused("more than a thousand traits", start + many + ',"t": {' + end)


def references():
    for name, to in [("the network", "https://evil.example/schema.json"),
            ("the network without TLS", "http://127.0.0.1:1/schema.json#/definitions/x"),
            ("a file", "file:///etc/passwd"),
            ("a file beside it", "other.json"), ("a part of another file", "other.json#/definitions/x"),
            ("another host", "//evil.example/x"),
            ("a name", "urn:example:x"), ("nowhere", "#/definitions/none"), ("an anchor", "#none"),
            ("a folder above", "../../etc/passwd")]:
        yield refused(f"a reference to {name}", schema({"$ref": to}))
    yield refused("a reference in a list to the network",
            schema({"type": "array", "items": {"$ref": "https://evil.example/x"}}))
    yield refused("a reference in a condition to a file",
            schema({"if": {"$ref": "file:///dev/zero"}, "then": {"type": "string"}}))
    yield refused("a reference to elsewhere by another base",
            schema({"$ref": "x.json"}, **{"$id": "https://evil.example/base.json"}))
    yield refused("a reference to itself", schema({"$ref": "#/properties/traits/properties/t"}))
    yield refused("a reference to the root", schema({"$ref": "#"}))
    yield refused("a reference to what holds it",
            schema({"type": "object", "properties": {"u": {"$ref": "#/properties/traits"}}}))
    yield refused("two that refer to each other",
            schema({"$ref": "#/definitions/a"},
            definitions={"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}))
    yield refused("a circle through allOf",
            schema({"$ref": "#/definitions/a"}, definitions={"a": {"allOf": [{"$ref": "#/definitions/a"}]}}))
    yield refused("a circle through properties",
            schema({"$ref": "#/definitions/a"},
            definitions={"a": {"type": "object", "properties": {"next": {"$ref": "#/definitions/a"}}}}))
    laughs = {f"a{n}": {"allOf": [{"$ref": f"#/definitions/a{n + 1}"}] * 4} for n in range(12)}
    yield refused("sixteen million ways through its references",
            schema({"$ref": "#/definitions/a0"}, definitions={**laughs, "a12": {"type": "string"}}))


def patterns():
    for name, pattern in [("a look ahead", "(?=a)b"), ("a look ahead that denies", "^(?!a)b"),
            ("a look behind", "(?<=a)b"), ("a reference back", "(a+)\\1"), ("a named reference back", "(?P<x>a)(?P=x)"),
            ("an atomic group", "(?>a+)b"), ("no end", "(a"), ("a broken class", "[z-a]"),
            ("a thousand times a thousand", "(a{1000}){1000}"),
            ("a million letters", "\\w{1000000}"), ("a hundred cubed", "((\\w{100}){100}){100}"),
            ("recursion", "(?R)")]:
        yield refused(f"a pattern with {name}", schema({"type": "string", "pattern": pattern}))
    yield refused("a pattern of names with a look ahead",
            schema({"type": "object", "patternProperties": {"^(?=a)": {"type": "string"}}}))


def keywords():
    for keyword, value in [("type", 5), ("type", "text"), ("minLength", -1), ("maxLength", "x"), ("required", "email"),
            ("enum", 5), ("pattern", 5), ("properties", []), ("items", 5),
            ("multipleOf", 0), ("multipleOf", -1), ("allOf", {}), ("minimum", "1"),
            ("uniqueItems", "yes"), ("dependencies", 5)]:
        yield refused(f"{keyword} with {json.dumps(value)}", schema({keyword: value}))
    for name, mark in [("a word it does not know", {"credential": {}}),
            ("a credential it does not know", {"credentials": {"passwd": {"identifier": True}}}),
            ("a yes in words", {"credentials": {"password": {"identifier": "true"}}}),
            ("no channel", {"verification": {}}), ("another channel", {"verification": {"via": "pigeon"}})]:
        yield refused(f"a mark with {name}", schema({"type": "string", "ory.sh/kratos": mark}))


def bounded():
    """They start, and no value makes them slow."""
    a, bang = "a" * 4090, "a" * 4090 + "!"
    yield starts("nested repetition", {"type": "string", "pattern": "^(a+)+$"}, a, bang)
    yield starts("nested repetition thrice", {"type": "string", "pattern": "^(((a*)*)*)*b$"}, a, bang)
    yield starts("overlapping choices", {"type": "string", "pattern": "^(a|a|aa|aaa)*$"}, a, bang)
    yield starts("many optional letters", {"type": "string", "pattern": "^" + "a?" * 200 + "a" * 200 + "$"}, "a" * 200,
            a)
    yield starts("an open end", {"type": "string", "pattern": ".*.*.*.*=.*"}, a, bang)
    yield starts("a hundred patterns at once",
            {"type": "string", "allOf": [{"pattern": f"^(a+|b{n})+$"} for n in range(100)]}, a, bang)
    yield starts("patterns of names",
            {"type": "object", "patternProperties": {f"^(a+)+{n}$": {"type": "string"} for n in range(30)}},
            {"a" * n: "x" for n in range(100)})
    yield starts("unique items", {"type": "array", "uniqueItems": True}, list(range(900)),
            [{"n": n} for n in range(450)], ["x" * 60 + str(n) for n in range(900)], [[]] * 900)
    yield starts("unique deep items",
            {"type": "array", "uniqueItems": True, "items": {"type": "array", "uniqueItems": True}},
            [[n, [n]] for n in range(200)])
    yield starts("steps that divide nothing", {"type": "number", "multipleOf": 1e-300}, 1e300, 1, 5e-324,
            123456789012345678901234567890)
    yield starts("huge steps", {"type": "number", "multipleOf": 1e300}, 1e308, 1, -1e300)
    yield starts("steps of decimals", {"type": "number", "multipleOf": 0.01}, 1.7, 1e15, 1.0000000000000002)
    yield starts("a step of a third", {"type": "number", "multipleOf": 0.3333333333333333}, 1e308, 1)
    yield starts("bounds beyond all numbers", {"type": "number", "minimum": -1.7e308, "exclusiveMaximum": 1.7e308},
            1.79e308, -1.79e308)
    yield starts("lengths beyond all texts", {"type": "string", "minLength": 4294967295}, a)
    yield starts("ten thousand choices", {"enum": [f"choice {n}" for n in range(10000)]}, "choice 9999", "none", [1])
    yield starts("a hundred alternatives",
            {"oneOf": [{"type": "object", "required": [f"k{n}"],
            "properties": {f"k{n}": {"const": n}}} for n in range(100)]}, {"k1": 1, "k2": 2},
            {f"k{n}": n for n in range(100)})
    yield starts("a hundred alternatives that all fail",
            {"anyOf": [{"type": "array", "items": {"const": n}} for n in range(100)]}, list(range(400)))
    yield starts("a thousand parts that all fail",
            {"allOf": [{"type": "string", "const": str(n)} for n in range(1000)]}, "x", 5, [1])
    yield starts("a thousand types that all fail", {"allOf": [{"type": "string"} for _ in range(1000)]}, 5, [1], {})
    yield starts("a thousand dependencies",
            {"type": "object", "dependencies": {f"k{n}": [f"k{n + 1}"] for n in range(1000)}},
            {f"k{n}": 1 for n in range(0, 900, 2)})
    yield starts("twenty-five levels of not", nested(25, lambda inner: {"not": inner}, {"type": "string"}), "x", 5)
    yield starts("twenty levels of conditions",
            nested(20, lambda inner: {"if": inner, "then": {"type": "string"}, "else": {"type": "number"}},
            {"type": "string"}), "x", 5)
    yield starts("eight levels of pairs in lists",
            nested(8, lambda inner: {"type": "array", "items": {"anyOf": [inner, inner]}}, {"const": 1}), deep(8, 2),
            [deep(8, 2)])
    yield starts("a tree", {"$ref": "#/definitions/tree"}, deep(28), deep(8, 2),
            definitions={"tree": {"type": "array", "items": {"$ref": "#/definitions/tree"}}})
    twice = {"type": "array", "items": {"allOf": [{"$ref": "#/definitions/tree"}, {"$ref": "#/definitions/tree"}]}}
    yield starts("a tree that is asked twice", {"type": "array", "items": {"$ref": "#/definitions/tree"}}, deep(12),
            deep(18), deep(20), definitions={"tree": twice})
    laughs = {f"a{n}": {"allOf": [{"$ref": f"#/definitions/a{n + 1}"}] * 2} for n in range(16)}
    yield starts("many ways through its references in a list", {"type": "array", "items": {"$ref": "#/definitions/a0"}},
            ["x"], [1], definitions={**laughs, "a16": {"type": "string"}})
    yield starts("contains within contains",
            nested(6, lambda inner: {"type": "array", "contains": inner}, {"const": 1}), deep(5, 3), deep(7, 2))
    yield starts("contains that nothing is",
            {"type": "array", "contains": {"type": "object", "required": [f"k{n}" for n in range(50)]}}, [{}] * 900,
            list(range(900)))
    yield refused("many contains", schema({"type": "array", "allOf": [{"contains": {"const": n}} for n in range(1500)]}))
    yield starts("names of properties", {"type": "object", "propertyNames": {"pattern": "^(x+)+$", "maxLength": 3}},
            {f"name {n}": n for n in range(400)}, {"x" * 4000: 1})
    yield starts("all formats",
            {"allOf": [{"format": name} for name in ["email", "email_loose", "hostname", "uri", "iri", "uri-template",
            "regex", "date-time", "date", "time", "ipv4", "ipv6", "json-pointer", "tel"]]},
            "a@" + "b." * 1000 + "c", "(" * 2000, "http://" + "a" * 4000, "+" + "1" * 4000, "{" * 4000, "a" * 4090,
            "/" * 4000, ":" * 4000, "(a{1000}){1000}")


def nested(levels, wrap, inner):
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def deep(levels, wide=1):
    return nested(levels, lambda inner: [inner] * wide, 1)


def plain():
    kinds = {"a text": ({"type": "string"}, "x"), "a number": ({"type": "number"}, 1.5),
            "an integer": ({"type": "integer", "minimum": 0}, 5), "a yes or no": ({"type": "boolean"}, True),
            "a list": ({"type": "array", "items": {"type": "string"}, "maxItems": 10}, ["x"]),
            "an object": ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x"}),
            "a choice": ({"enum": ["a", "b"]}, "a"), "a constant": ({"const": True}, True),
            "a pattern": ({"type": "string", "pattern": "^[a-z]+$"}, "x"),
            "a name in the letters of the world": ({"type": "string", "pattern": "^[\\p{L}\\p{M}' -]{1,60}$"}, "Zoë"),
            "a part that is referred to": ({"$ref": "#/definitions/x"}, "x"),
            "two types": ({"type": ["string", "null"]}, "x")}
    for name, (trait, value) in kinds.items():
        beside = {"definitions": {"x": {"type": "string"}}} if "$ref" in trait else {}
        yield starts(name, trait, value, hostile=False, **beside)


# What every schema that starts is shown, as the trait `t`.
VALUES = [
    "null", '""', "1e308", "5e-324", "123456789012345678901234567890", "[]", "{}",
    pieces(["[", 28], "1", ["]", 28]), pieces(['{"a":', 28], "1", ["}", 28]), pieces("[1", [",2", 900], ",1]"),
    pieces("[{}", [",{}", 900], "]"),
    pieces('"', ["a", 4095], '!"'), pieces('"', ["é", 2048], '"'), pieces('"', ["\\u0000", 500], '"'),
    pieces('["x"', [',"' + "x" * 12 + '"', 900], "]"),
    json.dumps({f"k{n}": n for n in range(400)}),
]


def make():
    cases = [case for family in [no_schema, too_large, references, patterns, keywords, bounded,
            plain] for case in family()]
    return {"values": VALUES, "cases": cases}
