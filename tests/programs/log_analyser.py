# Generate server logs with a fixed random sequence, then analyse them with regular expressions.
import collections
import datetime
import ipaddress
import os
import random
import re

LINE = re.compile(
    r"""^(?P<host>\d{1,3}(?:\.\d{1,3}){3})\s-\s(?P<user>-|\w+)\s
        \[(?P<day>\d\d)/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<time>\d\d:\d\d:\d\d)\s(?P<zone>[+-]\d{4})\]\s
        "(?P<method>GET|POST|PUT|DELETE|HEAD)\s(?P<path>/[^\s?"]*)(?:\?(?P<query>\S*))?\sHTTP/(?P<version>\d\.\d)"\s
        (?P<status>[1-5]\d\d)\s(?P<size>\d+|-)(?:\s"(?P<agent>(?:[^"\\]|\\.)*)")?$""", re.VERBOSE)
MONTHS = dict(zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13)))
PATHS = ["/", "/index.html", "/img/logo.png", "/api/items", "/api/items/{}", "/login", "/search", "/static/app.js"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64)", "curl/7.88.1", 'Bot \\"quoted\\" 1.0', "Wget/1.21"]


def generate(path, count, seed):
    source = random.Random(seed)
    moment = datetime.datetime(2026, 2, 27, 22, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    with open(path, "w", encoding="ascii") as stream:
        for _ in range(count):
            moment += datetime.timedelta(seconds=source.expovariate(1 / 20))
            host = f"192.0.2.{source.randrange(1, 12)}" if source.random() < 0.8 else f"10.{source.randrange(256)}.0.1"
            target = source.choice(PATHS).format(source.randrange(40))
            if target == "/search":
                target += "?q=" + source.choice(["krait", "snake+venom", "a%20b", ""])
            status = source.choices([200, 301, 404, 500, 403], [80, 5, 10, 2, 3])[0]
            size = "-" if status == 301 else str(int(source.gammavariate(2, 900)))
            user = source.choice(["-", "-", "-", "ada", "grace"])
            method = source.choices(["GET", "POST", "PUT", "DELETE"], [85, 10, 3, 2])[0]
            line = f'{host} - {user} [{moment:%d/%b/%Y:%H:%M:%S %z}] "{method} {target} HTTP/1.1" {status} {size}'
            if source.random() < 0.7:
                line += f' "{source.choice(AGENTS)}"'
            if source.random() < 0.01:
                line = line[:source.randrange(len(line))]
            stream.write(line + "\n")


def parse(path):
    with open(path, encoding="ascii") as stream:
        for number, line in enumerate(stream, 1):
            match = LINE.match(line.rstrip("\n"))
            if match is None:
                yield number, line.rstrip("\n"), None
                continue
            fields = match.groupdict()
            stamp = datetime.datetime.fromisoformat(
                f"{fields['year']}-{MONTHS[fields['month']]:02}-{fields['day']}T{fields['time']}{fields['zone']}")
            fields.update(moment=stamp, size=int(fields["size"]) if fields["size"] != "-" else 0,
                          host=ipaddress.ip_address(fields["host"]))
            yield number, line, fields


def sessions(records, gap=datetime.timedelta(minutes=8)):
    last, counts = {}, collections.Counter()
    for record in records:
        host = record["host"]
        if host not in last or record["moment"] - last[host] > gap:
            counts[host] += 1
        last[host] = record["moment"]
    return counts


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def report(path):
    good, bad = [], []
    for number, line, fields in parse(path):
        good.append(fields) if fields else bad.append((number, line))
    print(f"{os.path.basename(path)}: {len(good)} lines, {len(bad)} broken")
    for number, line in bad[:5]:
        print(f"  line {number}: {line[:70]!r}")
    for key in ("status", "method", "user", "agent", "query"):
        counter = collections.Counter(record[key] for record in good)
        print(f"{key}:", ", ".join(f"{value}={count}" for value, count in
                                   sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))))
    paths = collections.defaultdict(list)
    for record in good:
        paths[re.sub(r"/\d+(?=/|$)", "/<id>", record["path"])].append(record["size"])
    for name, sizes in sorted(paths.items()):
        print(f"  {name:<20} {len(sizes):>4} {sum(sizes):>8} p50={percentile(sizes, .5)} p95={percentile(sizes, .95)}")
    network = ipaddress.ip_network("192.0.2.0/24")
    inside = sum(record["host"] in network for record in good)
    print(f"inside {network}: {inside}, outside: {len(good) - inside}")
    hours = collections.Counter(record["moment"].astimezone(datetime.timezone.utc).strftime("%d %H") for record in good)
    for hour in sorted(hours):
        print(f"  {hour}h {'=' * (hours[hour] // 5)} {hours[hour]}")
    for host, count in sorted(sessions(good).items()):
        if host in network:
            print(f"  {host!s:<12} {count} sessions")
    errors = [record for record in good if record["status"][0] == "5"]
    for record in errors[:6]:
        print(f"  {record['moment'].isoformat()} {record['method']} {record['path']} {record['size']}")


for seed in (1, 2026):
    name = f"access-{seed}.log"
    generate(name, 1500, seed)
    report(name)
masked = re.sub(r"(\d+)\.(\d+)\.\d+\.\d+", lambda match: f"{match[1]}.{match[2]}.x.x", open("access-1.log").read())
print(masked.count(".x.x"), re.split(r"[\s\[\]\"]+", masked.splitlines()[0]))
print(re.findall(r"(?m)^(\S+).*?\"(\w+) (/api/\S+)", masked)[:5])
