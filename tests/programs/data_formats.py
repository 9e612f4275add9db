# JSON, CSV, TOML and INI in and out: one inventory goes through each of them.
import configparser
import csv
import io
import json
import os
import tomllib

TOML = '''
title = "Inventory"
[owner]
name = "Grace"
since = 1952-05-01T10:20:30.5Z
birthday = 1906-12-09
opens = 08:30:00
[limits]
integers = [1, -2, 0xFF, 0o17, 0b101, 1_000_000]
floats = [1.5, -0.0, 1e3, inf, -inf]
flags = { strict = true, verbose = false }
"quoted key" = 'literal \\n string'
text = """
two
lines \\
   joined"""
[[item]]
name = "bolt"
price = 0.25
stock = { shelf = 12, store = 400 }
[[item]]
name = "Schraube ß"
price = 1.75
stock = { shelf = 0, store = 7 }
[item.maker]
city = "Köln"
'''


class Money:
    def __init__(self, cents):
        self.cents = cents


class Encoder(json.JSONEncoder):
    def default(self, value):
        if isinstance(value, Money):
            return {"$money": value.cents}
        if hasattr(value, "isoformat"):
            return value.isoformat()
        if isinstance(value, (set, frozenset)):
            return sorted(value)
        return super().default(value)


def decode_object(pairs):
    if [key for key, _ in pairs] == ["$money"]:
        return Money(pairs[0][1])
    return dict(pairs)


def section(title):
    print(f"--- {title}")


section("toml")
data = tomllib.loads(TOML)
for key, value in data.items():
    print(key, type(value).__name__, value)
for bad in ("a = ", "a = 1\na = 2", "[t]\n[t]", "a = 'x", "a = 01", "x = [1,", "a.b = 1\na = 2", 'k = "\\q"', "= 1"):
    try:
        tomllib.loads(bad)
    except tomllib.TOMLDecodeError as error:
        print(repr(bad), "->", error)

section("json")
text = json.dumps(data, cls=Encoder, indent=2, sort_keys=True, ensure_ascii=False)
print(text)
with open("inventory.json", "w", encoding="utf-8") as stream:
    json.dump({"money": Money(1250), "set": {3, 1, 2}, "none": None, "yes": True, "big": 10 ** 30, "float": 1e-7,
               "unicode": "snow ☃ 🐍 \x00 \" \\ /", 1: "one", None: "null", 2.5: "half", True: "true"},
              stream, cls=Encoder, separators=(",", ":"))
print(open("inventory.json").read())
back = json.load(open("inventory.json"), object_pairs_hook=decode_object, parse_float=lambda text: f"float {text}")
print({key: value.cents if isinstance(value, Money) else value for key, value in back.items()})
for bad in ("", "{", "[1,]", "{'a': 1}", '{"a" 1}', '"\\x"', "[1] 2", '{"a": 1,}', "nul", '"\t"', "-", "[NaN, Infinity", "\ufeff{}"):
    try:
        print(repr(bad), json.loads(bad))
    except json.JSONDecodeError as error:
        print(repr(bad), "->", error, (error.lineno, error.colno, error.pos))
for value in ({1, 2}, {(1, 2): 3}, float("nan"), b"bytes"):
    try:
        print(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)
loop = []
loop.append(loop)
try:
    json.dumps(loop)
except ValueError as error:
    print(error)
print(json.loads('[1, 2.5, -3e2, "\\ud83d\\udc0d", "\\u00e9", true, null, NaN, -Infinity, 123456789012345678901234567890]'))
print(json.dumps([1.0, 1e16, 1e22, 0.1, 123456.789, -0.0, 5e-324, float("inf")]), json.dumps("é\u2028", ensure_ascii=True))

section("csv")
rows = [[item["name"], item["price"], *item["stock"].values(), 'say "hi", twice\nplease' if index else None]
        for index, item in enumerate(data["item"])]
for dialect in ("excel", "excel-tab", "unix"):
    buffer = io.StringIO()
    csv.writer(buffer, dialect).writerows(rows)
    print(dialect, repr(buffer.getvalue()))
    print(list(csv.reader(io.StringIO(buffer.getvalue(), newline=""), dialect)))
with open("items.csv", "w", newline="", encoding="utf-8") as stream:
    writer = csv.DictWriter(stream, ["name", "price", "city"], restval="?", extrasaction="ignore",
                            quoting=csv.QUOTE_NONNUMERIC, delimiter=";")
    writer.writeheader()
    for item in data["item"]:
        writer.writerow({**item, "city": item.get("maker", {}).get("city", "?")})
with open("items.csv", newline="", encoding="utf-8") as stream:
    for row in csv.DictReader(stream, delimiter=";", quoting=csv.QUOTE_NONNUMERIC, restkey="rest"):
        print(row)
sample = "a|b|c\n1|2|3\n'x|y'|5|6\n"
dialect = csv.Sniffer().sniff(sample)
print(repr(dialect.delimiter), repr(dialect.quotechar), csv.Sniffer().has_header(sample))
try:
    csv.writer(io.StringIO(), quoting=csv.QUOTE_NONE).writerow(["a,b"])
except csv.Error as error:
    print(error)
try:
    list(csv.reader(['a,"b'], strict=True))
except csv.Error as error:
    print(error)

section("ini")
config = configparser.ConfigParser(allow_no_value=True, interpolation=configparser.ExtendedInterpolation())
config.read_string("""
[DEFAULT]
base = /srv
[paths]
data = ${base}/data
; comment
logs: ${data}/logs
multi = one
    two
flag
[server]
port = 8080
ratio = 0.75
debug = on
root = ${paths:data}
""")
for name in config.sections():
    print(name, dict(config[name]))
print(config.getint("server", "port"), config.getfloat("server", "ratio"), config.getboolean("server", "debug"),
      config.get("server", "absent", fallback="default"), config.has_option("paths", "flag"))
config["new"] = {"key": "value", "Mixed": "Case"}
config["server"]["port"] = "9090"
with open("out.ini", "w") as stream:
    config.write(stream)
print(open("out.ini").read())
for bad in ("key = 1", "[a]\n[a]", "[a]\nx=1\nx=2", "[a]\n = 3"):
    try:
        configparser.ConfigParser().read_string(bad)
    except configparser.Error as error:
        print(type(error).__name__, str(error).replace("\n", " | "))
for name in ("nothing", "server"):
    try:
        config.get(name, "nothing")
    except configparser.Error as error:
        print(type(error).__name__, error)
print(sorted(os.listdir()))
