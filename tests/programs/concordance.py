# A concordance: every place of the rarer words of each licence text, with its context, and an index by first letter.
import bisect
import collections
import itertools
import os
import re

FOLDER = "/usr/share/common-licenses"
STOP = frozenset("the of and to a in or that for is this you any by as with be not are it on if an from such".split())


class Concordance:
    def __init__(self, name, lines):
        self.name = name
        self.text = "\n".join(lines)
        self.starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
        self.places = collections.defaultdict(list)
        for match in re.finditer(r"\b[^\W\d_]{2,}\b", self.text):
            word = match.group().casefold()
            if word not in STOP:
                self.places[word].append(match.span())

    def line_of(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def context(self, span, width=28):
        start, end = span
        left = " ".join(self.text[max(0, start - 2 * width):start].split())[-width:]
        right = " ".join(self.text[end:end + 2 * width].split())[:width]
        return f"{left:>{width}} [{self.text[start:end]}] {right:<{width}}".rstrip()

    def show(self, words):
        for word in words:
            spans = self.places.get(word, ())
            print(f"  {word} ({len(spans)})")
            for span in spans[:4]:
                print(f"    {self.line_of(span[0]):>4}: {self.context(span)}")

    def index(self):
        by_letter = itertools.groupby(sorted(self.places), key=lambda word: word[0])
        for letter, words in by_letter:
            words = list(words)
            entries = []
            for word in words[:6]:
                lines = sorted({self.line_of(start) for start, _ in self.places[word]})
                entries.append(word + " " + ",".join(ranges(lines)))
            yield letter, len(words), entries


def ranges(numbers):
    """[1, 2, 3, 7] becomes '1-3', '7'."""
    for _, group in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        group = [number for _, number in group]
        yield str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}"


def main():
    where = {}
    for name in sorted(os.listdir(FOLDER)):
        path = os.path.join(FOLDER, name)
        if os.path.islink(path):
            print(f"{name} -> {os.readlink(path)}")
            continue
        with open(path, encoding="utf-8", errors="surrogateescape", newline=None) as stream:
            concordance = Concordance(name, [line.rstrip("\n") for line in stream])
        print(f"== {name}: {len(concordance.starts) - 1} lines, {len(concordance.places)} words")
        concordance.show(["warranty", "patent", "liable", "copyleft", "source"])
        for letter, count, entries in concordance.index():
            print(f"  {letter} {count:>4}  " + "; ".join(entries)[:160])
        for word in concordance.places:
            where.setdefault(word, []).append(name)
    unique = collections.Counter(names[0] for names in where.values() if len(names) == 1)
    for name, count in sorted(unique.items()):
        print(f"{count:>5} words occur in {name} alone")
    everywhere = [word for word, names in where.items() if len(names) == max(map(len, where.values()))]
    print("everywhere:", *sorted(everywhere))


main()
