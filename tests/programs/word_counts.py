# Count words, lines and letters of every text in /usr/share/common-licenses, like a small `wc` with statistics.
import collections
import os
import re
import statistics
import string

FOLDER = "/usr/share/common-licenses"
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")


class Text:
    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, "rb") as stream:
            self.raw = stream.read()
        self.text = self.raw.decode("utf-8", "replace")
        self.lines = self.text.splitlines()
        self.words = [word.lower() for word in WORD.findall(self.text)]
        self.counts = collections.Counter(self.words)

    def __lt__(self, other):
        return (-len(self.words), self.name) < (-len(other.words), other.name)

    def summary(self):
        lengths = [len(line) for line in self.lines if line.strip()]
        return (f"{self.name:<12} {len(self.lines):>5} lines {len(self.words):>6} words {len(self.raw):>6} bytes "
                f"mean {statistics.fmean(lengths):5.1f} median {statistics.median(lengths):5.1f} max {max(lengths):>4}")


def richness(text):
    """Distinct words per hundred words, over windows of a thousand words."""
    windows = [text.words[start:start + 1000] for start in range(0, len(text.words), 1000)]
    return [round(100 * len(set(window)) / len(window), 1) for window in windows if len(window) > 500]


def letter_table(texts):
    letters = collections.Counter()
    for text in texts:
        letters.update(character for character in text.text.lower() if character in string.ascii_lowercase)
    total = letters.total()
    for letter, count in sorted(letters.items(), key=lambda item: (-item[1], item[0])):
        yield letter, count, 100 * count / total


def shared_words(texts):
    common = set(texts[0].counts)
    for text in texts[1:]:
        common &= text.counts.keys()
    return sorted(common)


def similarity(left, right):
    dot = sum(count * right.counts[word] for word, count in left.counts.items() if word in right.counts)
    norm = sum(c * c for c in left.counts.values()) * sum(c * c for c in right.counts.values())
    return dot / norm ** 0.5


def main():
    texts = sorted(Text(entry.path) for entry in os.scandir(FOLDER) if entry.is_file(follow_symlinks=False))
    for text in texts:
        print(text.summary())
    everything = sum((text.counts for text in texts), collections.Counter())
    print(f"\n{everything.total():,} words, {len(everything):,} different")
    for word, count in sorted(everything.items(), key=lambda item: (-item[1], item[0]))[:60]:
        print(f"{word:>14} {count:>6,} {'#' * (count // 200)}")
    once = sorted(word for word, count in everything.items() if count == 1)
    print(f"{len(once)} words occur once:", *once[:25])
    print("longest:", sorted(everything, key=lambda word: (-len(word), word))[:12])
    print("in all texts:", shared_words(texts))
    for letter, count, share in letter_table(texts):
        print(f"{letter} {count:>7} {share:6.2f}% {'*' * round(share * 3)}")
    for text in texts:
        print(f"{text.name:<12}", *richness(text))
    print("similarity", *(f"{text.name:>10}" for text in texts))
    for left in texts:
        print(f"{left.name:<10}", *(f"{similarity(left, right):>10.3f}" for right in texts))
    bigrams = collections.Counter()
    for text in texts:
        bigrams.update(zip(text.words, text.words[1:]))
    for (first, second), count in sorted(bigrams.items(), key=lambda item: (-item[1], item[0]))[:30]:
        print(f"{count:>5} {first} {second}")


main()
