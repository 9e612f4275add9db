"""A task list with subcommands, shared by the programs named taskbook_*.py."""
import argparse
import datetime
import json
import os
import sys

STORE = "tasks.json"


def day(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a day: {text!r}") from None


class Pairs(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        pairs = dict(getattr(namespace, self.dest) or {})
        for value in values:
            key, equals, text = value.partition("=")
            if not equals:
                parser.error(f"{option_string}: {value!r} is no KEY=VALUE")
            pairs[key] = text
        setattr(namespace, self.dest, pairs)


def load():
    if not os.path.exists(STORE):
        return [{"id": 1, "title": "feed the snake", "due": "2026-01-05", "tags": ["home"], "done": False, "extra": {}}]
    with open(STORE) as stream:
        return json.load(stream)


def store(tasks):
    with open(STORE, "w") as stream:
        json.dump(tasks, stream)


def add(options):
    tasks = load()
    tasks.append({"id": len(tasks) + 1, "title": " ".join(options.title), "due": str(options.due) if options.due else None,
                  "tags": options.tag, "done": False, "extra": options.set or {}})
    store(tasks)
    print("added", json.dumps(tasks[-1], sort_keys=True))


def show(options):
    for task in sorted(load(), key=lambda task: (str(task[options.sort]), task["id"]), reverse=options.reverse):
        if options.tag and not set(options.tag) & set(task["tags"]):
            continue
        print(f"{task['id']:>3} [{'x' if task['done'] else ' '}] {task['title']:<{options.width}} {task['due'] or '-'}")


def done(options):
    tasks = load()
    for number in options.numbers:
        if not 1 <= number <= len(tasks):
            sys.exit(f"no task {number}")
        tasks[number - 1]["done"] = True
    store(tasks)
    print("done", *options.numbers)


def build_parser():
    parser = argparse.ArgumentParser(
        prog="taskbook", description="Keep a list of tasks in a file, and show it in a number of orders and widths.",
        epilog="Days are written YEAR-MONTH-DAY.")
    parser.add_argument("--version", action="version", version="%(prog)s 1.2")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; may be repeated")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("add", help="add a task", aliases=["new"])
    command.add_argument("title", nargs="+", help="words of the title")
    command.add_argument("-d", "--due", type=day, metavar="DAY", help="the day when it must be done (default: %(default)s)")
    command.add_argument("-t", "--tag", action="append", default=[], help="a tag; may be repeated")
    command.add_argument("--set", nargs="*", action=Pairs, metavar="KEY=VALUE", help="further values")
    command.set_defaults(run=add)

    command = commands.add_parser("list", help="show tasks", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
                                  description="Show the tasks.", fromfile_prefix_chars="@")
    command.add_argument("--sort", choices=["id", "title", "due"], default="id", help="the order")
    command.add_argument("--reverse", action=argparse.BooleanOptionalAction, default=False, help="last one first")
    group = command.add_argument_group("layout", "How it looks.")
    group.add_argument("--width", type=int, default=24, help="width of the title")
    exclusive = command.add_mutually_exclusive_group()
    exclusive.add_argument("--tag", nargs="+", help="with one of these tags only")
    exclusive.add_argument("--untagged", action="store_const", const=True, help="without tags only")
    command.set_defaults(run=show)

    command = commands.add_parser("done", help="mark tasks as done")
    command.add_argument("numbers", nargs="*", type=int, default=[1])
    command.add_argument("--secret", help=argparse.SUPPRESS)
    command.set_defaults(run=done)
    return parser


def main(arguments=None):
    options = build_parser().parse_args(arguments)
    if options.verbose:
        values = {key: value for key, value in vars(options).items() if key != "run"}
        print(f"{options.verbose}:", *(f"{key}={value!r}" for key, value in sorted(values.items())), file=sys.stderr)
    options.run(options)
