# Convert Markdown to HTML: blocks by a small state machine, inline marks by regular expressions.
import html
import re
import textwrap

INLINE = [
    (re.compile(r"`+(.+?)`+"), lambda m: f"<code>{m[1]}</code>"),
    (re.compile(r"!\[([^]]*)]\((\S+?)(?: &quot;(.*?)&quot;)?\)"),
     lambda m: f'<img src="{m[2]}" alt="{m[1]}"' + (f' title="{m[3]}"' if m[3] else "") + ">"),
    (re.compile(r"\[([^]]+)]\(([^)\s]+)\)"), lambda m: f'<a href="{m[2]}">{m[1]}</a>'),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), lambda m: f"<strong>{m[2]}</strong>"),
    (re.compile(r"(?<![\w*])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*])"), lambda m: f"<em>{m[2]}</em>"),
    (re.compile(r"~~(.+?)~~"), lambda m: f"<del>{m[1]}</del>"),
    (re.compile(r"&lt;(https?://[^\s&]+)&gt;"), lambda m: f'<a href="{m[1]}">{m[1]}</a>'),
    (re.compile(r" {2,}\n|\\\n"), lambda m: "<br>\n"),
]


class Converter:
    def __init__(self, text):
        self.lines = textwrap.dedent(text).expandtabs(4).strip("\n").split("\n")
        self.at, self.output, self.headings, self.notes = 0, [], [], {}

    def inline(self, text):
        kept = []

        def keep(match):
            kept.append(INLINE[0][1](match))
            return f"\0{len(kept) - 1}\0"

        text = INLINE[0][0].sub(keep, html.escape(text))
        text = re.sub(r"\\([\\`*_{}\[\]()#+.!-])", lambda m: f"&#{ord(m[1])};", text)
        for pattern, replacement in INLINE[1:]:
            text = pattern.sub(replacement, text)
        return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], text)

    def peek(self, pattern=None):
        if self.at >= len(self.lines):
            return None
        return self.lines[self.at] if pattern is None else re.match(pattern, self.lines[self.at])

    def take(self, pattern):
        match = self.peek(pattern)
        self.at += match is not None
        return match

    def emit(self, text):
        self.output.append(text)

    def convert(self):
        while self.peek() is not None:
            for block in (self.blank, self.heading, self.rule, self.fence, self.quote, self.items, self.table, self.paragraph):
                if block():
                    break
        return "\n".join(self.output)

    def blank(self):
        return self.take(r"\s*$")

    def heading(self):
        if match := self.take(r"(#{1,6})\s+(.*?)\s*#*$"):
            level, text = len(match[1]), match[2]
            slug = re.sub(r"\W+", "-", text.casefold()).strip("-")
            self.headings.append((level, text, slug))
            self.emit(f'<h{level} id="{slug}">{self.inline(text)}</h{level}>')
        return match

    def rule(self):
        if match := self.take(r"\s{0,3}([-*_])(?:\s*\1){2,}\s*$"):
            self.emit("<hr>")
        return match

    def fence(self):
        if match := self.take(r"(```|~~~)\s*(\w*)\s*$"):
            body = []
            while self.peek() is not None and not self.take(re.escape(match[1]) + r"\s*$"):
                body.append(self.peek())
                self.at += 1
            kind = f' class="{match[2]}"' if match[2] else ""
            self.emit(f"<pre{kind}>{html.escape(chr(10).join(body), quote=False)}</pre>")
        return match

    def nested(self, lines):
        inner = Converter("")
        inner.lines = lines
        return inner.convert()

    def quote(self):
        lines = []
        while match := self.take(r">\s?(.*)$"):
            lines.append(match[1])
        if lines:
            self.emit(f"<blockquote>\n{textwrap.indent(self.nested(lines), '  ')}\n</blockquote>")
        return lines

    def items(self):
        first = self.peek(r"(\s*)(?:([-*+])|(\d+)[.)])\s+(.*)$")
        if not first:
            return None
        tag = "ul" if first[2] else "ol"
        start = f' start="{first[3]}"' if first[3] and first[3] != "1" else ""
        self.emit(f"<{tag}{start}>")
        indent = len(first[1])
        while match := self.take(rf" {{{indent}}}(?:[-*+]|\d+[.)])(\s+)(.*)$"):
            body = [match[2]]
            while self.peek() is not None and (inner := self.take(rf"(?: {{{indent + 2},}})(\S.*)$|(\s*)$")):
                if inner[1] is None and not self.peek(rf" {{{indent + 2},}}\S"):
                    break
                body.append(inner[0][min(indent + 2, len(inner[0])):])
            if box := re.match(r"\[([ x])] (.*)", body[0]):
                body[0] = ("\u2611 " if box[1] == "x" else "\u2610 ") + box[2]
            if len(body) == 1:
                self.emit(f"<li>{self.inline(body[0])}</li>")
            else:
                self.emit("<li>" + textwrap.indent(self.nested(body), "  ").lstrip() + "</li>")
        self.emit(f"</{tag}>")
        return True

    def table(self):
        if self.at + 1 >= len(self.lines) or not re.match(r"\s*\|?(\s*:?-+:?\s*\|)+\s*:?-*:?\s*$", self.lines[self.at + 1]):
            return None
        cells = lambda line: [cell.strip() for cell in line.strip().strip("|").split("|")]
        head, marks = cells(self.lines[self.at]), cells(self.lines[self.at + 1])
        align = [{(True, True): "center", (False, True): "right"}.get((m.startswith(":"), m.endswith(":")), "left") for m in marks]
        self.at += 2
        rows = [head]
        while self.peek(r".*\|"):
            rows.append(cells(self.lines[self.at]))
            self.at += 1
        self.emit("<table>")
        for number, row in enumerate(rows):
            tag = "td" if number else "th"
            self.emit("<tr>" + "".join(f'<{tag} align="{a}">{self.inline(c)}</{tag}>' for a, c in zip(align, row)) + "</tr>")
        self.emit("</table>")
        return True

    def paragraph(self):
        lines = []
        while self.peek() is not None and not self.peek(r"\s*$|#{1,6}\s|```|~~~|>|\s*[-*+]\s|\s*\d+[.)]\s"):
            lines.append(self.peek())
            self.at += 1
            if match := self.take(r"(=+|-+)\s*$"):
                level = 1 if match[1][0] == "=" else 2
                self.emit(f"<h{level}>{self.inline(' '.join(lines))}</h{level}>")
                return True
        self.emit(f"<p>{self.inline(chr(10).join(lines))}</p>")
        return True


TEXT = """
    Krait *Manual*
    ==============

    A paragraph with **strong**, *soft*, __both *nested*__, `code <b> *x*`, ~~gone~~ and 2 * 3 * 4.
    Second line with a [link](http://example.org/?a=1&b=2) and ![picture](p.png "A \\"title\\"").
    Hard break\\
    here. Escapes: \\*not soft\\* snake_case_word <https://example.org/x>

    ## Lists & more ##

    - one
    - two
      continued
      1. nested
      2. numbers
    - [x] done
    - [ ] open

    3. three
    4. four

    > quoted **text**
    > - with a list
    >
    > > twice

    ```python
    def f(x):
        return x < 3 and "&amp;"
    ```

    | Name | Size | Mark |
    |:-----|-----:|:----:|
    | a    | 1    | `x`  |
    | b|c

    Sub heading
    -----------
    ***
    ### Ünïcödé Heading: 雪 & snow!
    last paragraph
    ~~~
    unclosed fence
"""
converter = Converter(TEXT)
print(converter.convert())
for level, text, slug in converter.headings:
    print("  " * level + f"- [{text}](#{slug})")
print(repr(Converter("").convert()), Converter("# x").convert(), Converter("* a\n* b").convert(), sep="\n")
long = "\n\n".join(f"## Part {n}\n\n" + "word **bold** `code` " * n for n in range(1, 60))
result = Converter(long).convert()
print(len(result), result.count("<strong>"), result[-60:])
