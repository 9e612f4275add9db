# Text in many scripts: cases, normal forms, properties, widths, sorting, encodings, slicing, formatting, wrapping.
import codecs
import locale
import re
import string
import textwrap
import unicodedata

TEXTS = {
    "latin": "Größe naïve Œuvre façade Ǆungla ŉ ﬁne İstanbul",
    "greek": "Οδυσσεύς ΣΊΣΥΦΟΣ ᾳ ΐ",
    "cyrillic": "Съешь ещё этих мягких французских булок Ёлка",
    "hebrew": "שָׁלוֹם עוֹלָם",
    "arabic": "مرحبا بالعالم ٣٤٥",
    "devanagari": "नमस्ते दुनिया १२३",
    "chinese": "你好，世界。三十二 〇",
    "japanese": "こんにちは ｶﾞﾃﾞ 東京タワー",
    "korean": "안녕하세요 한국어",
    "emoji": "👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ 🐍",
    "math": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ∑∞ ½ Ⅷ ² ①",
}


def show(name, text):
    print("==", name, len(text), len(text.encode()), len(text.encode("utf-16-le")) // 2)
    print(text.upper(), text.lower(), text.title(), text.swapcase(), text.casefold(), text.capitalize(), sep="|")
    print(text.isalpha(), text.isupper(), text.isprintable(), text.isidentifier(), [word.isalnum() for word in text.split()], text[::-1].encode("unicode_escape").decode()[:70])
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        normal = unicodedata.normalize(form, text)
        print(form, len(normal), normal == text, unicodedata.is_normalized(form, text), ascii(normal)[:60])
    for character in list(dict.fromkeys(text))[:6]:
        print(f"U+{ord(character):04X}", unicodedata.name(character, "?"), unicodedata.category(character), unicodedata.bidirectional(character), unicodedata.combining(character),
              unicodedata.east_asian_width(character), unicodedata.decomposition(character), unicodedata.numeric(character, None), unicodedata.mirrored(character))
    print(re.findall(r"\w+", text), re.findall(r"[^\W\d_]{3,}", text)[:3], re.sub(r"(?i)[aeiouаеёиоуыэюяαεηιουω]", "*", text), re.split(r"\s+", text, maxsplit=1))
    print(textwrap.wrap(text, 8), text.center(30, "·"), text.find(text[-1]), text.split(text[1])[:3], text.partition(" "), text.translate({ord(" "): "_", ord(text[0]): None}))


for name, text in TEXTS.items():
    show(name, text)
print(sorted(TEXTS.values())[:3], sorted("zäaÄbZ", key=str.casefold), max(TEXTS.values()), "ß" == "SS".casefold(), "ſ".upper(), "ΑΣ".lower(), "ΑΣΑ".lower(), "ŉ".upper(), "ﬃ".title())
for text in ("٣٤٥", "१२३", "１２", "²", "½", "Ⅷ", "3_000", " 7 ", "−5"):
    try:
        number = int(text)
    except ValueError as error:
        number = error
    print(repr(text), text.isdigit(), text.isdecimal(), text.isnumeric(), number, [unicodedata.digit(c, None) for c in text])
for encoding in ("utf-8", "utf-16", "utf-16-be", "utf-32-le", "latin-1", "cp1252", "koi8-r", "iso8859-7", "cp437", "mac_roman", "ascii", "utf-7", "punycode", "idna", "shift_jis", "gb18030", "euc-kr", "big5", "utf-8-sig",
                 "unicode_escape", "raw_unicode_escape", "rot13", "hex"):
    for text in ("naïve €", "Ёлка", "東京", "한국"):
        try:
            data = text.encode(encoding)
            print(encoding, data[:24], data.decode(encoding) == text)
        except (UnicodeError, LookupError) as error:
            print(encoding, type(error).__name__, str(error)[:110])
for handler in ("ignore", "replace", "backslashreplace", "xmlcharrefreplace", "namereplace", "surrogateescape", "surrogatepass"):
    for call in (lambda: "aé☃🐍".encode("ascii", handler), lambda: b"a\xff\xc3b\xe2\x82".decode("utf-8", handler), lambda: "\udc80".encode("utf-8", handler), lambda: b"\xed\xa0\x80".decode("utf-8", handler)):
        try:
            print(handler, ascii(call()))
        except (UnicodeError, TypeError) as error:
            print(handler, error)
codecs.register_error("count", lambda error: (f"<{error.end - error.start}>", error.end))
print("é☃x🐍".encode("ascii", "count"), b"\xff\xfex".decode("ascii", "count"))
decoder = codecs.getincrementaldecoder("utf-8")("strict")
print([decoder.decode(bytes([byte])) for byte in "€🐍".encode()], codecs.lookup("latin1").name, codecs.BOM_UTF16_LE)
for text in ("a\u0301", "\u200b", "tab\tnew\nnul\0del\x7f", "\x85\u2028", "\U0010ffff", "\ud800", "'\"\\", "\N{GREEK SMALL LETTER ALPHA}", "\xad", "\u0378", "\ufeff"):
    print(ascii(text), ascii(repr(text)), [ascii(line) for line in text.splitlines()], text.isspace(), text.isprintable())
print(f"{'東':*^5}|{'é':>4}|{'🐍'!a}|{'x':é<3}|%-4s|%c" % ("ü", "☃"), "{:☃>6}".format("a"), string.Template("$ünï $a").safe_substitute(a="ä"), "ünï".isidentifier())
变量, ﬁ = 3, 4
print(变量 + fi, sorted(name for name in globals() if not name.isascii()), unicodedata.lookup("SNOWMAN"), unicodedata.unidata_version, unicodedata.ucd_3_2_0.unidata_version, "\N{LATIN SMALL LETTER O WITH DIAERESIS}")
print("a\u0300\u0301".encode("ascii", "namereplace"), "".join(c for c in unicodedata.normalize("NFD", "Ångström façade") if not unicodedata.combining(c)), locale.strcoll("a", "b") < 0, "i̇".upper(), "İ".lower() == "i̇")
