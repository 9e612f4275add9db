"""A short tour of Krait: count the words of real texts, and look at what the memory does meanwhile.

The texts are the licences that every Debian system has in /usr/share/common-licenses.
"""
import collections
import gc
import glob
import os
import re
import sys
import time

FOLDER = "/usr/share/common-licenses"


class Word:
    """A word and where it occurs; one instance a word, so that memory is worth a look."""

    __slots__ = ("text", "places")

    def __init__(self, text):
        self.text = text
        self.places = []


def read_words(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            for match in re.finditer(r"[A-Za-z']+", line):
                yield match.group().lower(), number


def build_concordance():
    words = {}
    for path in sorted(glob.glob(f"{FOLDER}/*")):
        if os.path.islink(path):
            continue
        name = os.path.basename(path)
        for text, line in read_words(path):
            word = words.get(text)
            if word is None:
                word = words[text] = Word(text)
            word.places.append((name, line))
    return words


def main():
    print(f"Krait {sys.implementation.krait}: {sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}")
    start = time.perf_counter()
    words = build_concordance()
    seconds = time.perf_counter() - start
    total = sum(len(word.places) for word in words.values())
    print(f"{total:,} words, {len(words):,} different ones, read in {seconds:.2f} s")
    by_length = collections.Counter(len(text) for text in words)
    print("lengths:", ", ".join(f"{length}: {count}" for length, count in sorted(by_length.items())[:12]))
    print("most frequent:")
    for word in sorted(words.values(), key=lambda word: (-len(word.places), word.text))[:10]:
        print(f"  {word.text:<10} {len(word.places):>6}  first in {word.places[0][0]}, line {word.places[0][1]}")

    blocks = sys.getallocatedblocks()
    word = words["the"]
    print(f"references to the entry of 'the': {sys.getrefcount(word)}")
    del words, word
    print(f"blocks freed the moment the last reference went: {blocks - sys.getallocatedblocks():,}")

    class Node:
        pass

    first, second = Node(), Node()
    first.other, second.other = second, first
    del first, second
    print(f"objects that only the cycle collector finds: {gc.collect()}")


main()
