# XML and HTML: build, parse, search, rewrite; events; entities; broken input.
import html
import html.parser
import io
import xml.dom.minidom
import xml.etree.ElementTree as ET
import xml.sax
import xml.sax.handler

CATALOGUE = """<?xml version="1.0" encoding="utf-8"?>
<!-- a catalogue -->
<catalogue xmlns:x="urn:extra" version="1">
  <book id="b1" lang="en"><title>Snakes &amp; Ladders</title><price currency="EUR">12.50</price></book>
  <book id="b2" lang="de"><title>Schlangen &lt;im&gt; Gras</title><price currency="EUR">8.00</price><x:note>rare ☃</x:note></book>
  <section name="old"><book id="b3"><title><![CDATA[<raw> & "text"]]></title> tail text<price>3</price></book></section>
  <empty/>
</catalogue>
"""


def tree():
    root = ET.fromstring(CATALOGUE.encode())
    print(root.tag, root.attrib, len(root))
    for book in root.iter("book"):
        price = book.find("price")
        print(book.get("id"), book.get("lang", "-"), repr(book.findtext("title")), float(price.text), price.attrib)
    for path in ("book", "./book[@lang='de']", ".//book[3]", ".//price[@currency]", "section/book/title", ".//book/..",
                 "{urn:extra}note", ".//{urn:extra}note", "*", "book[title='Snakes & Ladders']"):
        print(path, [element.tag for element in root.findall(path)])
    for book in list(root.iter("book")):
        ET.SubElement(book, "stock", count=str(len(book)))
    root.find("section").set("name", 'new "quoted" <name> & \n line')
    root.remove(root.find("empty"))
    root.append(ET.Comment("done -> here"))
    root.append(ET.ProcessingInstruction("render", 'mode="fast"'))
    ET.register_namespace("extra", "urn:extra")
    ET.indent(root, " ")
    print(ET.tostring(root, encoding="unicode"))
    print(ET.tostring(root.find("book"), encoding="us-ascii"))
    print(ET.tostring(root[1], encoding="utf-8", xml_declaration=True, short_empty_elements=False))
    print(ET.canonicalize(CATALOGUE)[:200])
    stream = io.BytesIO()
    ET.ElementTree(root).write(stream, encoding="iso-8859-1", xml_declaration=True)
    print(len(stream.getvalue()), stream.getvalue()[:45], b"&#9731;" in stream.getvalue())


def events():
    for event, element in ET.iterparse(io.BytesIO(CATALOGUE.encode()), ("start", "end", "start-ns", "comment")):
        print(event, getattr(element, "tag", element) if event != "comment" else element.text, end="; ")
    print()
    parser = ET.XMLPullParser(["end"])
    for piece in ("<a><b>1</b", "><b>2</b><c/>", "</a>"):
        parser.feed(piece)
        print(piece, [(event, element.tag, element.text) for event, element in parser.read_events()])
    for bad in ("<a>", "<a></b>", "<a b=1/>", "<a>&nope;</a>", "", "<a/><b/>", "<a\x01/>", "<a b='1' b='2'/>", "<x:a/>"):
        try:
            ET.fromstring(bad)
        except ET.ParseError as error:
            print(repr(bad), "->", error, error.position, error.code)


class Counter(xml.sax.handler.ContentHandler):
    def __init__(self):
        self.depth, self.texts = 0, []

    def startElement(self, name, attributes):
        print("  " * self.depth + name, sorted(attributes.items()))
        self.depth += 1

    def endElement(self, name):
        self.depth -= 1

    def characters(self, content):
        if content.strip():
            self.texts.append(content.strip())


class Outline(html.parser.HTMLParser):
    VOID = {"br", "img", "meta", "hr"}

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.stack, self.links, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        print("start", "/".join(self.stack), tag, attributes, self.getpos())
        if tag == "a":
            self.links.append(dict(attributes).get("href"))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        print("empty", tag, attributes)

    def handle_endtag(self, tag):
        if tag in self.stack:
            while self.stack.pop() != tag:
                pass
        else:
            print("stray", tag)

    def handle_data(self, data):
        if data.strip():
            self.text.append(" ".join(data.split()))

    def handle_entityref(self, name):
        self.text.append("&" + name)

    def handle_charref(self, name):
        self.text.append("&#" + name)

    def handle_comment(self, data):
        print("comment", data)

    def handle_decl(self, decl):
        print("declaration", decl)

    def handle_pi(self, data):
        print("instruction", data)


PAGE = """<!DOCTYPE html><?php echo 1 ?><html><head><meta charset=utf-8><title>A &amp; B</title>
<script>if (a < b && c > d) { x = "</p>"; }</script></head><body class='x "y"' data-n=5 hidden>
<p>One<br/>two <b>bold <i>both</b> rest &eacute; &#233; &#xe9; &bogus; <img src="a.png" alt="a>b">
<a href="/one?a=1&amp;b=2">one</a><a href=two>two</A></p></div><!-- <p>hidden</p> --><hr>a < b</body>"""

tree()
events()
handler = Counter()
xml.sax.parseString(CATALOGUE.encode(), handler)
print(handler.texts)
document = xml.dom.minidom.parseString("<a x='1'><b>t</b><c/><!--k--></a>")
document.documentElement.setAttribute("y", "2 < 3")
document.documentElement.appendChild(document.createElement("d")).appendChild(document.createTextNode("é & ü"))
print(document.toprettyxml(indent="  "), [node.nodeName for node in document.documentElement.childNodes])
outline = Outline()
for start in range(0, len(PAGE), 37):
    outline.feed(PAGE[start:start + 37])
outline.close()
print(outline.links, outline.text, outline.stack)
print(html.escape("<a href='x'>\"&\"</a>"), html.unescape("&lt;&eacute;&#8364;&#x1F40D;&notit;&amp &#0;&#xD800;&nosuch;"))
