# An HTTP server with several methods, and clients for it, on loopback; sockets and selectors below it.
import contextlib
import http.client
import http.cookies
import http.server
import io
import json
import os
import selectors
import socket
import socketserver
import threading
import urllib.error
import urllib.parse
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Krait"
    sys_version = ""
    items = {"1": {"name": "bolt"}}
    log = []

    def log_message(self, format, *arguments):
        self.log.append(format % arguments)

    def date_time_string(self, timestamp=None):
        return "Thu, 01 Jan 1970 00:00:00 GMT"

    def answer(self, code, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        match parts.path.strip("/").split("/"):
            case ["items"]:
                self.answer(200, self.items, Set_Cookie="seen=1; Path=/; HttpOnly")
            case ["items", key] if key in self.items:
                self.answer(200, self.items[key])
            case ["echo"]:
                self.answer(200, {"query": urllib.parse.parse_qs(parts.query, keep_blank_values=True), "agent": self.headers["User-Agent"]})
            case ["moved"]:
                self.answer(302, None, Location="/items/1")
            case ["chunks"]:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for chunk in (b"first ", b"second " * 50, b""):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            case ["fail"]:
                self.send_error(500, "Deliberate", "It was asked for.")
            case _:
                self.send_error(404)

    do_HEAD = do_GET

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        key = str(len(self.items) + 1)
        if self.headers.get_content_type() == "application/json":
            try:
                self.items[key] = json.loads(data)
            except json.JSONDecodeError as error:
                return self.answer(400, {"error": str(error)})
        else:
            self.items[key] = dict(urllib.parse.parse_qsl(data.decode()))
        self.answer(201, {"id": key}, Location=f"/items/{key}")

    def do_DELETE(self):
        self.items.pop(self.path.rpartition("/")[2], None)
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()


def requests(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for method, path, body, headers in [
            ("GET", "/items", None, {}), ("POST", "/items", '{"name": "nut ☃"}'.encode(), {"Content-Type": "application/json"}),
            ("POST", "/items", b"name=washer&size=5%2F8", {"Content-Type": "application/x-www-form-urlencoded"}),
            ("POST", "/items", b"{broken", {"Content-Type": "application/json"}), ("GET", "/items/3", None, {}), ("DELETE", "/items/3", None, {}),
            ("GET", "/items/3", None, {}), ("HEAD", "/items", None, {}), ("PATCH", "/items", None, {}), ("GET", "/echo?a=1&a=2&b=", None, {"User-Agent": "test"}),
            ("GET", "/chunks", None, {}), ("GET", "/fail", None, {})]:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        print(method, path, response.status, response.reason, len(data), data[:70])
        print("  ", sorted((name, value) for name, value in response.getheaders()))
    connection.close()
    base = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(base + "/moved") as response:
        print(response.status, response.url.replace(base, ""), json.load(io.TextIOWrapper(response, "utf-8")))
    for path in ("/none", "/fail"):
        try:
            urllib.request.urlopen(base + path)
        except urllib.error.HTTPError as error:
            print(error, error.code, error.headers["Connection"], len(error.read()))
    request = urllib.request.Request(base + "/items", data=b"name=form", headers={"X-Extra": "1"}, method="POST")
    print(request.get_method(), urllib.request.urlopen(request).read())


def files(folder):
    os.makedirs(folder + "/sub")
    for name in ("a.txt", "sub/page.html", "ü.bin"):
        with open(f"{folder}/{name}", "w") as stream:
            stream.write(name * 3)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments):
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)) as port:
        for path in ("/", "/a.txt", "/sub", "/sub/page.html", "/%C3%BC.bin", "/../secret"):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", path)
            response = connection.getresponse()
            print(path, response.status, response.headers["Content-Type"], response.headers["Location"], len(response.read()))
            connection.close()


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Reverse(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.rstrip()[::-1] + b"\n")


def sockets():
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Reverse)) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rw", encoding="utf-8") as stream:
            for word in ("stressed", "drawer", "12345"):
                print(word, file=stream, flush=True)
                print(stream.readline().rstrip())
    left, right = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(right, selectors.EVENT_READ, "right end")
    print(selector.select(0))
    left.sendall(b"0123456789")
    print([(key.data, events) for key, events in selector.select(1)])
    buffer = bytearray(4)
    print(right.recv_into(buffer), buffer, right.recv(3, socket.MSG_PEEK), right.recv(100))
    right.settimeout(0.01)
    for call in (lambda: right.recv(1), lambda: socket.create_connection(("127.0.0.1", 1), 1), lambda: socket.inet_aton("1.2.3"),
                 lambda: socket.inet_pton(socket.AF_INET, "nonsense"), lambda: left.bind("x"), lambda: socket.socket(999), lambda: left.send("text")):
        try:
            print(call())
        except Exception as error:
            print(type(error).__name__, error)
    left.shutdown(socket.SHUT_WR)
    print(right.recv(1), left.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM, socket.htons(1), socket.inet_ntoa(b"\x7f\0\0\1"))
    selector.close()
    left.close()
    right.close()
    print(left.fileno(), socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))


with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
    requests(port)
for line in Handler.log:
    print(line)
files("site")
sockets()
cookie = http.cookies.SimpleCookie('a=1; b="two words"')
cookie["c"] = "x;y"
cookie["c"]["max-age"] = 60
print(cookie.output(), http.HTTPStatus(418), repr(http.HTTPMethod.PATCH))
print(urllib.parse.quote("a b/ü?&"), urllib.parse.unquote_plus("a+b%C3%BC%zz"), urllib.parse.urlencode({"q": "a b", "l": [1, 2]}, doseq=True))
print(urllib.parse.urljoin("http://h/a/b/c?x#y", "../d;p"), urllib.parse.urlsplit("https://u:p@[::1]:80/p;x?q=1#f"), urllib.parse.urlsplit("//h:99999").netloc)
