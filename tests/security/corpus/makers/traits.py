"""Twelve sound schemas, and forty hostile values for them: each with whether it follows its schema.

`followed`: the password, which is too short, is all that is told. `refused`: messages at the traits. `undecodable`:
beyond the limits of a body.
"""

import json

from .schemas import EMAIL, deep, nested, pieces

SCHEMAS = {
    "text": {"type": "string", "minLength": 1, "maxLength": 100},
    "pattern": {"type": "string", "pattern": "^(a+)+$"},
    "number": {"type": "number", "minimum": -1000, "maximum": 1e15, "multipleOf": 0.01},
    "integer": {"type": "integer"},
    "choice": {"enum": [f"choice {n}" for n in range(500)]},
    "list": {"type": "array", "items": {"type": "string", "maxLength": 20}, "uniqueItems": True, "maxItems": 500},
    "table": {"type": "array", "uniqueItems": True, "items": {
        "type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}, "additionalProperties": False}},
    "object": {"type": "object", "additionalProperties": False, "properties": {
        "a": {"type": "string"}, "b": {"type": "object", "properties": {"c": {"type": "number"}}}}},
    "free": {"type": "object", "maxProperties": 100, "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
             "additionalProperties": {"type": "integer"}},
    "tree": {"$ref": "#/definitions/tree"},
    "alternatives": {"oneOf": [
        {"type": "string", "format": "email"}, {"type": "string", "format": "uri"},
        {"type": "object", "required": ["x"], "properties": {"x": {"const": 1}}}]},
    "formats": {"type": "object", "properties": {
        name: {"type": "string", "format": name}
        for name in ["date", "date-time", "time", "hostname", "ipv4", "ipv6", "regex"]}},
}
TREE = {"tree": {"type": "array", "maxItems": 40, "items": {"$ref": "#/definitions/tree"}}}


def document(trait):
    traits = {"type": "object", "required": ["email"], "properties": {"email": EMAIL, "t": trait}}
    return {"type": "object", "definitions": TREE, "properties": {"traits": traits}}


def case(name, value, verdict, about):
    text = json.dumps(value)
    return {"schema": name, "value": text, "verdict": verdict, "about": about}


def raw(name, text, verdict, about):
    return {"schema": name, "value": text, "verdict": verdict, "about": about}


def trees(levels):
    return nested(levels, lambda inner: [inner], [])


def make():
    long = "a" * 4096
    cases = [
        case("text", "a" * 100, "followed", "as long as it may be"),
        case("text", "a" * 101, "refused", "a letter too long"),
        case("text", "🎉" * 100, "followed", "letters of four bytes"),
        case("text", long, "refused", "as long as a text may be"),
        raw("text", pieces('"', ["a", 4097], '"'), "undecodable", "longer than a text may be"),
        raw("text", '"' + "\\u0000" * 100 + '"', "followed", "letters that cannot be seen"),
        case("text", [], "refused", "another type"),
        case("pattern", long, "followed", "nested repetition that fits"),
        case("pattern", long[:-1] + "!", "refused", "nested repetition that just does not fit"),
        case("pattern", "é" * 2048, "refused", "nothing that fits"),
        raw("number", "1e308", "refused", "the largest number"),
        raw("number", "-1e308", "refused", "the smallest number"),
        raw("number", "5e-324", "refused", "the number next to nothing"),
        raw("number", "1.7", "followed", "a step that no double holds"),
        raw("number", "999999999999999.99", "followed", "a large number with cents"),
        raw("number", "0.005", "refused", "half a step"),
        raw("number", "123456789012345678901234567890", "refused", "more digits than a double has"),
        raw("number", "1e999999", "undecodable", "more than a double holds"),
        raw("integer", "1.0", "refused", "a fraction of nothing"),
        raw("integer", "-9223372036854775808", "followed", "the smallest whole number"),
        raw("integer", "18446744073709551615", "followed", "the largest whole number"),
        raw("integer", "1e2", "refused", "a power"),
        case("choice", "choice 499", "followed", "the last choice"),
        case("choice", long, "refused", "none of many choices"),
        case("list", [f"item {n}" for n in range(500)], "followed", "as many as there may be"),
        case("list", [f"item {n}" for n in range(501)], "refused", "one too many"),
        case("list", [f"item {n}" for n in range(499)] + ["item 498"], "refused", "the last one twice"),
        case("list", ["a" * 4096] * 15, "refused", "long and the same"),
        raw("list", pieces("[0", [",0", 2000], "]"), "undecodable", "more values than there may be"),
        case("table", [{"n": n} for n in range(300)], "followed", "many rows that differ"),
        case("table", [{"n": n} for n in range(299)] + [{"n": 0}], "refused", "many rows, two the same"),
        case("table", [{"n": n, "m": n} for n in range(300)], "refused", "many rows with something else"),
        case("object", {f"k{n}": n for n in range(900)}, "refused", "many names that nobody knows"),
        case("object", {"a": "x", "b": {"c": 1, "d": deep(25)}}, "followed", "deep where anything goes"),
        case("free", {f"k{n}": n for n in range(100)}, "followed", "as many names as there may be"),
        case("free", {f"k{n}": n for n in range(900)}, "refused", "too many names"),
        case("free", {"a" * 4000: 1, "__proto__": 2}, "refused", "names of another shape"),
        raw("tree", json.dumps(trees(29)), "followed", "as deep as a body may be"),
        raw("tree", json.dumps(trees(31)), "undecodable", "deeper than a body may be"),
        raw("tree", json.dumps([[[[[]] * 5] * 5] * 5] * 5), "followed", "wide and deep"),
        case("alternatives", long, "refused", "none of the alternatives"),
        case("alternatives", {"x": 1, **{f"k{n}": n for n in range(500)}}, "followed",
        "one of the alternatives with much beside"),
        case("formats", {"regex": "(" * 4000, "hostname": "a." * 2000, "ipv6": ":" * 4000}, "refused",
        "formats with long texts"),
        case("formats", {"date": "2024-02-30", "date-time": "9" * 4000, "time": "25:00:00Z", "ipv4": "1." * 2000},
        "refused", "formats that are just wrong"),
    ]
    return {"schemas": {name: document(trait) for name, trait in SCHEMAS.items()}, "cases": cases}
