"""Compare how both interpreters refuse wrong programs: exception, message, text, line, column and end.

Usage: python3.11 tests/bytecode/wrong_programs.py --krait PATH [--count N] [--seed N] [--show N]

The programs are pieces of the library with one or two tokens changed at random, and every string in the tests of syntax
that does not compile. Prints each kind of difference; exits with 1 unless 99 % of the refused programs agree.
"""
import argparse
import ast
import collections
import doctest
import glob
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import tokenize
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from reference import LIBRARY, REFERENCE  # noqa: E402

SHARE = 0.99
TESTS = ("test_syntax", "test_exceptions", "test_fstring", "test_eof", "test_grammar", "test_named_expressions", "test_patma",
         "test_positional_only_arg", "test_string_literals", "test_unpack_ex", "test_except_star", "test_coroutines", "test_future",
         "test_global", "test_scope", "test_generators", "test_genexps", "test_dictcomps", "test_setcomps", "test_listcomps",
         "test_keywordonlyarg", "test_decorators", "test_with", "test_int_literal", "test_cmd_line_script", "test_codeop")
PIECES = ("( ) [ ] { } , : ; . = == := -> + - * ** / // % @ & | ^ ~ < > <= >= != <> << >> += ... ! ? $ ` \\ # ' \" ''' f' f\" f'{ b' \\\n "
          "if else elif for while try except finally with as def class return yield await async lambda import from global "
          "nonlocal del pass break continue raise assert in is not and or None True False match case print exec x 1 0x 1_ 1e 0777 "
          "1.5j 'text' f'{x}' f'{' f'{}' f'{x!z}' f'{x:{y}}' f'{a b}' *x **x x=1 \n \n\n \n\t \n \x0c").split(" ") + [" ", "    ", "\n    "]


def describe():
    """Read programs from standard input, write what compile() makes of each: a JSON list both ways."""
    warnings.simplefilter("ignore")
    results = []
    for program in json.load(sys.stdin):
        try:
            compile(program, "program.py", "exec", dont_inherit=True)
            results.append(None)
        except SyntaxError as error:
            results.append([type(error).__name__, *(getattr(error, name) for name in (
                "msg", "text", "lineno", "offset", "end_lineno", "end_offset"))])
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            results.append([type(error).__name__, str(error)])
    json.dump(results, sys.stdout)


def run(interpreter, programs):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(programs), 500):
            process = subprocess.run([interpreter, "-I", os.path.abspath(__file__), "--describe"], cwd=folder, check=True,
                                     input=json.dumps(programs[start:start + 500]), stdout=subprocess.PIPE, text=True)
            results += json.loads(process.stdout)
    return results


def pieces_of_library(paths):
    """The statements of 2 to 40 lines in the given files, in order."""
    for path in paths:
        with open(path, "rb") as stream:
            source = stream.read()
        try:
            lines = source.decode().splitlines(keepends=True)
            body = ast.parse(source).body
        except (UnicodeDecodeError, SyntaxError):
            continue
        for node in body:
            first = min([node.lineno] + [decorator.lineno for decorator in getattr(node, "decorator_list", ())])
            if 2 <= node.end_lineno - first <= 40:
                yield "".join(lines[first - 1:node.end_lineno])


def mutate(source, choose):
    """Change one or two tokens of `source`."""
    tokens = []
    end = (1, 0)
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start[0] <= len(lines) and token.string and token.type not in (tokenize.INDENT, tokenize.DEDENT):
            # What stands between two tokens is kept: indentation, spaces, continuation lines.
            between = lines[end[0] - 1][end[1]:token.start[1]] if end[0] == token.start[0] else (
                "".join([lines[end[0] - 1][end[1]:], *lines[end[0]:token.start[0] - 1], lines[token.start[0] - 1][:token.start[1]]]))
            tokens.append(between + token.string)
            end = token.end
            if end[1] >= len(lines[end[0] - 1]):
                end = (end[0] + 1, 0)
    if len(tokens) < 3:
        return source
    for _ in range(choose.choice((1, 1, 1, 2))):
        place = choose.randrange(len(tokens) - 1)
        match choose.randrange(8):
            case 0:
                del tokens[place]
            case 1:
                tokens[place], tokens[place + 1] = tokens[place + 1], tokens[place]
            case 2:
                tokens.insert(place, choose.choice(PIECES))
            case 3:
                tokens.insert(place, " " + choose.choice(PIECES) + " ")
            case 4:
                tokens[place] = choose.choice(PIECES)
            case 5:
                tokens.insert(place, tokens[choose.randrange(len(tokens))])
            case 6:
                text = tokens[place]
                cut = choose.randrange(len(text) + 1)
                tokens[place] = text[:cut] + text[cut + 1:]
            case 7:
                del tokens[place + 1:]
        if len(tokens) < 3:
            break
    return "".join(tokens)


def mutated_programs(count, seed):
    choose = random.Random(seed)
    paths = sorted(glob.glob(LIBRARY + "/*.py") + glob.glob(LIBRARY + "/test/test_*.py"))
    pieces = list(pieces_of_library(choose.sample(paths, 200)))
    return [mutate(choose.choice(pieces), choose) for _ in range(count)]


def programs_of_tests():
    """Every string constant in the tests of syntax, and every example in their docstrings."""
    found = {}
    for name in TESTS:
        with open(f"{LIBRARY}/test/{name}.py", "rb") as stream:
            tree = ast.parse(stream.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found[node.value] = None
                if ">>>" in node.value:
                    found.update((example.source, None) for example in doctest.DocTestParser().get_examples(node.value))
    return list(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=30)
    options = parser.parse_args()
    programs = programs_of_tests() + mutated_programs(options.count, options.seed)
    theirs = run(REFERENCE, programs)
    ours = run(os.path.abspath(options.krait), programs)
    refused = equal = 0
    kinds = collections.defaultdict(list)
    for program, mine, other in zip(programs, ours, theirs):
        if mine is None and other is None:
            continue
        refused += 1
        if mine == other:
            equal += 1
        elif mine is None or other is None:
            kinds["accepted by one"].append((program, mine, other))
        else:
            names = ("class", "message", "text", "line", "offset", "end line", "end offset")
            different = [name for name, a, b in zip(names, mine, other) if a != b]
            kinds["message" if {"class", "message"} & set(different) else ", ".join(different)].append((program, mine, other))
    for kind, cases in sorted(kinds.items()):
        print(f"== {kind}: {len(cases)}")
        for program, mine, other in cases[:options.show]:
            line = (other or mine)[3] if len(other or mine) > 3 else 1
            around = program.splitlines()[max(0, (line or 1) - 2):(line or 1) + 1]
            print(f"  {around}\n    krait     {mine}\n    reference {other}")
    print(f"refused alike: {equal} of {refused} ({100 * equal / refused:.2f} %)")
    sys.exit(equal < SHARE * refused)


if sys.argv[1:] == ["--describe"]:
    describe()
else:
    main()
