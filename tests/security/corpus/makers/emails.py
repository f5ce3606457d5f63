"""E-mail addresses: what a trait with format `email` that is to be verified takes.

The rule is the contract's, written here once more: at most 254 bytes, at most 64 of them before the last `@`, a host name
of ASCII labels behind it, the whole an address of RFC 5322 (letters outside of ASCII may stand before the `@`). Then the
canonical form, small letters and NFKC, must be an address too, and nothing that cannot be seen may be in it.

Quoted local parts are put together from parts, so that nothing has to be parsed. Right-to-left letters have a test of
their own; comments in front are left out: the texts do not settle them.
"""

import itertools
import random
import unicodedata

COUNT = 3000
ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
HOST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
# Ignored when drawn, though their category says that they are letters or marks.
IGNORED = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}


def is_local(text):
    atoms = text.split(".")
    return all(atom and all(c in ATEXT or ord(c) >= 0x80 for c in atom) for atom in atoms)


def is_host(text):
    def is_label(label):
        plain = 1 <= len(label) <= 63 and all(c in HOST for c in label)
        return plain and not label.endswith("-")
    return len(text) <= 253 and not text.startswith("-") and all(is_label(label) for label in text.split("."))


def is_address(text):
    local, at, domain = text.rpartition("@")
    fits = len(text.encode()) <= 254 and len(local.encode()) <= 64
    return bool(at) and fits and is_local(local) and is_host(domain)


def is_unseen(c):
    variation = 0xFE00 <= ord(c) <= 0xFE0F or 0xE0000 <= ord(c) <= 0xE0FFF or 0x180B <= ord(c) <= 0x180F
    return unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn") or ord(c) in IGNORED or variation


def canonical(text):
    while True:
        folded = unicodedata.normalize("NFKC", text.strip(" ").lower()).strip(" ")
        if folded == text:
            return folded
        text = folded


def judged(text, shape):
    good = is_address(text) and not any(is_unseen(c) for c in text) and is_address(canonical(text))
    return row(text, good, shape)


def row(text, good, shape):
    return {"email": text, "verdict": "accepted" if good else "refused", "shape": shape}


def every_ascii_letter():
    for code in range(128):
        c = chr(code)
        for form in ["{}ab@example.org", "a{}b@example.org", "ab{}@example.org"]:
            if c == "." and form.startswith("a{"):
                yield row("a.b@example.org", True, "letter of the local part")
            elif c == '"':
                yield row(form.format(c), False, "letter of the local part")
            else:
                yield judged(form.format(c), "letter of the local part")
        for form in ["ab@{}example.org", "ab@exa{}mple.org", "ab@example.org{}", "ab@example.{}"]:
            yield judged(form.format(c), "letter of the domain")


def sizes():
    for size in [1, 2, 32, 63, 64, 65, 66, 100, 128, 200]:
        yield judged("a" * size + "@example.org", "size of the local part")
        yield judged("a." * (size // 2) + "a@example.org", "size of the local part")
    for size in [1, 2, 62, 63, 64, 65, 100]:
        yield judged("a@" + "b" * size, "size of a label")
        yield judged("a@" + "b" * size + ".org", "size of a label")
        yield judged("a@x." + "b" * size, "size of a label")
    for local, total in itertools.product([1, 10, 64], list(range(245, 260)) + [300, 512, 1000]):
        labels = "b." * ((total - local - 1) // 2)
        rest = total - local - 1 - len(labels)
        domain = labels + "c" * rest if rest else labels[:-2] + "cc"[: len(labels) - len(labels[:-2])]
        yield judged("a" * local + "@" + domain, "size of the whole")
    for size in [4000, 4083, 4084, 4096]:
        yield judged("a" * (size - 12) + "@example.org", "size of the whole")
    for count in [10, 50, 100, 126, 127, 128, 500]:
        yield judged("a@" + ".".join(["b"] * count), "many labels")
        yield judged("@" * count, "many at signs")
        yield judged("a@" * count + "b", "many at signs")
        yield judged("a" + "." * count + "b@example.org", "many dots")
        yield row('"' * count + "@example.org", False, "many quotes")
        yield row("(" * count + "a" + ")" * count + "@", False, "many comments")


def dots_and_hyphens():
    for local in ["", ".", "..", ".a", "a.", "a..b", "a.b", "a.b.c.d", "-", "-a-", "a--b", "a.-.b", "+", "a+b+c", "a+",
            "_", "'", "o'neil"]:
        yield judged(f"{local}@example.org", "dots and hyphens")
    for domain in ["", ".", "..", "a", "a.", ".a", "a..b", "-a", "a-", "a-b", "a--b", "a.-b", "a-.b", "a.b-", "a.b.c",
            "1", "1.2", "1.2.3.4",
            "a_b", "xn--bcher-kva.de", "localhost", "EXAMPLE.ORG", "example.123", "a.b.c.d.e.f.g.h", "*.org",
            "a+b.org", "a/b", "a%41.org"]:
        yield judged(f"ab@{domain}", "dots and hyphens")
    for text in ["", "@", "@@", "a", "a@", "@a", "@@a", "a@@b", "a@b@c", "a@b@c@d", "a b", "@a@", "a.b", ".@.", "-@-",
            "null", "undefined", "0", "[]", "{}", "true"]:
        yield judged(text, "at signs")


def headers():
    starts = ["a@example.org", "a@b", "a"]
    for start, line in itertools.product(starts,
            ["\r\n", "\n", "\r", "\r\n ", "\n\t", "\0", "\x0b", "\x0c", "\u2028x\r", "\x1b[2J", "%0d%0a\n"]):
        for rest in ["Bcc: evil@example.net", "evil@example.net", "", "DATA", ".\r\nMAIL FROM:<x@example.net>",
                "RCPT TO:<x@example.net>"]:
            yield row(f"{start}{line}{rest}", False, "header injection")
            yield row(f"{rest}{line}{start}@example.org", False, "header injection")
    yield judged("a%0d%0aBcc%3a@example.org", "header injection")
    yield judged("a%00@example.org", "header injection")


def lists():
    one, two = "a@example.org", "evil@example.net"
    for glue in [",", ", ", ";", "; ", " ", "  ", "\t", ":", "|", " and ", ",,", "<", ">", "><", "> <", '"', "(", ")",
            "\\", "%", "!"]:
        yield judged(f"{one}{glue}{two}", "several addresses") if glue not in '"%!|' else row(f"{one}{glue}{two}",
                False, "several addresses")
    for text in [f"<{one}>", f"Ada <{one}>", f'"Ada" <{one}>', f"<{one}>, <{two}>", f"group:{one};",
            f"group:{one},{two};", f"{one} (Ada)", f"{one}(,{two})",
            f"a(comment)@example.org", "a@(comment)example.org", "a@example.org(comment)", f"mailto:{one}",
            f"<mailto:{one}>", "undisclosed:;", f"@example.net:{one}",
            f"<@example.net:{one}>", f"{one}?bcc={two}", f"{one}%0a{two}", f"{one}&{two}",
            f"a%example.net@example.org", "a!b@example.org", f"=?utf-8?q?a?= <{one}>",
            f"{one}>", f"<{one}", f"[{one}]", f"{{{one}}}", f"'{one}'", f" {one}", f"{one} ", f"\t{one}",
            f"{one}\n"]:
        yield judged(text, "several addresses")
    for literal in ["[127.0.0.1]", "[IPv6:::1]", "[::1]", "[example.org]", "[]", "[", "]", "127.0.0.1]", "[x", "#123",
            "::1", "example.org:25", "example.org/x"]:
        yield judged(f"a@{literal}", "literal for a domain")


def quoted():
    for inside in ["a b", "a@b", "a,b", "a;b", "a:b", "<a>", "()", "a.", ".a", "a..b", "[x]", "Ada", "a'b", "a b c",
            "!#$"]:
        yield row(f'"{inside}"@example.org', True, "quoted")
        yield row(f'"{inside}"@-example.org', False, "quoted")
        yield row(f'"{inside}"@exa mple.org', False, "quoted")
        yield row(f'"{inside}@example.org', False, "quoted")
        yield row(f'{inside}"@example.org', False, "quoted")
        yield row(f'x"{inside}"@example.org', False, "quoted")
        yield row(f'"{inside}"x@example.org', False, "quoted")
        yield row(f'"{inside}""{inside}"@example.org', False, "quoted")
        yield row(f'"{inside}"@"example.org"', False, "quoted")
    for inside in ["a\rb", "a\nb", "a\r\nb", "a\0b", "a\x1bb", "a\x7fb", 'a"b', "a\\", "\u200b", "a\u202eb"]:
        yield row(f'"{inside}"@example.org', False, "quoted")
    yield row('"' + "a" * 62 + '"@example.org', True, "quoted")
    yield row('"' + "a" * 63 + '"@example.org', False, "quoted")


def other_letters():
    """Letters that mail systems take as they are, from scripts that are written from left to right."""
    ranges = [(0xC0, 0x250), (0x370, 0x400), (0x400, 0x530), (0x531, 0x588), (0x904, 0x93A), (0xE01, 0xE31),
            (0x10D0, 0x10FB), (0x1E00, 0x1F00),
            (0x3041, 0x3097), (0x30A1, 0x30FB), (0x4E00, 0x9FA6, 211), (0xAC00, 0xD7A4, 173)]
    for start, end, *step in ranges:
        for code in range(start, end, *(step or [5])):
            if unicodedata.category(chr(code)) in ("Ll", "Lu", "Lo") and unicodedata.bidirectional(chr(code)) == "L":
                yield judged(f"a{chr(code)}b@example.org", "other letters")
                if code % 4 == 0:
                    yield judged(f"ab@exa{chr(code)}mple.org", "other letters in the domain")
    for text in ["ü", "Ä", "漢字", "ひらがな", "ΑΒΓ", "ß", "ﬁ", "ａｄａ", "ＡＤＡ", "🎉", "a🎉b", "e\u0301", "é", "Å", "Ω"]:
        yield judged(f"{text}@example.org", "other letters")
        yield judged(f"a@{text}", "other letters in the domain")


def letters_that_unfold():
    """All code points whose plain spelling holds a letter that means something in an address."""
    telling = set('@.,;:<>()[]"\\ ')
    for code in range(0x80, 0x110000):
        c = chr(code)
        if unicodedata.category(c) in ("Cs", "Cn", "Co"):
            continue
        if telling & set(unicodedata.normalize("NFKC", c.lower())) and unicodedata.bidirectional(c) not in ("R", "AL",
                "AN"):
            yield judged(f"a{c}b@example.org", "letter that unfolds")
    for c in "＠．，；：＜＞（）［］＂＼﹫。｡":
        for form in ["{}@example.org", "{}b@example.org", "b{}@example.org", "a{}example.org", "a@example{}org",
                "a@example.org{}", "evil{}x@example.org"]:
            text = form.format(c)
            yield judged(text, "letter that unfolds")


def unseen():
    codes = [0x80, 0x85, 0x9F, 0xAD, 0x34F, 0x61C, 0x115F, 0x17B4, 0x180B, 0x180E, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9,
            0xE000, 0xF8FF, 0x1D173, 0xE0001, 0xE0041, 0xE0100]
    codes += list(range(0x200B, 0x2010)) + list(range(0x202A, 0x202F)) + list(range(0x2060,
            0x2065)) + list(range(0x2066, 0x2070)) + [0xFE00, 0xFE0F, 0xF0000, 0x10FFFD]
    for code, form in itertools.product(codes,
            ["ad{}min@example.org", "{}admin@example.org", "admin{}@example.org", "admin@exam{}ple.org"]):
        yield row(form.format(chr(code)), False, "unseen")


def mixed():
    dice = random.Random(20260730)
    pieces = ["a", "b", "Z", "0", ".", "..", "-", "_", "+", "@", "ü", "漢", " ", ",", ";", "<", ">", "(", ")", "[", "]",
            ":", "\\", "example", "org", "ｘ", "!", "'", "\u200b"]
    hosts = ["example.org", "mail.example.org", "a.b", "x", "-a.org", "a..b", "exämple.org", "a-.b", "EXAMPLE.org",
            "1.org"]
    while True:
        local = "".join(dice.choice(pieces[:12] if dice.random() < 0.6 else pieces) for _ in range(dice.randint(1, 7)))
        yield judged(local + "@" + dice.choice(hosts), "mixed")


def make():
    families = [every_ascii_letter, sizes, dots_and_hyphens, headers, lists, quoted, unseen, letters_that_unfold,
            other_letters, mixed]
    cases, seen = [], set()
    for case in itertools.chain.from_iterable(family() for family in families):
        if case["email"] not in seen:
            seen.add(case["email"])
            cases.append(case)
        if len(cases) == COUNT:
            break
    return {"cases": cases}
