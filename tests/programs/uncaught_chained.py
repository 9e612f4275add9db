# Chained exceptions with notes, uncaught: the whole text goes to standard error.
import contextlib


class AppError(Exception):
    """An error of this program."""

    def __init__(self, message, code):
        super().__init__(message, code)
        self.code = code


def read(settings, key):
    try:
        return settings[key]
    except KeyError as error:
        error.add_note("known keys: " + ", ".join(settings))
        error.add_note("two\nlines")
        raise AppError(f"no setting {key!r}", 12) from error


def convert(text):
    return int(text) + (lambda value: value / (value - value))(
        float(text)
    )


@contextlib.contextmanager
def guard(name):
    try:
        yield name
    except AppError as error:
        raise RuntimeError(f"guard {name}: {error.code}")
    finally:
        print("guard left")


def cause_suppressed():
    try:
        convert("1")
    except ZeroDivisionError:
        raise TypeError("hidden context") from None


def recursive(depth):
    if depth == 0:
        cause_suppressed()
    recursive(depth - 1)


def main():
    for text in ("x", "2"):
        try:
            convert(text)
        except (ValueError, ZeroDivisionError) as error:
            print(type(error).__name__, error)
    with guard("outer"):
        with contextlib.suppress(KeyError):
            read({"alpha": 1, "beta": 2}, "alpha")
        try:
            recursive(8)
        except TypeError as first:
            first.__notes__ = ["a note", 5, None]
            try:
                assert (yes := False), f"assertion {yes}"
            except AssertionError:
                read({"alpha": 1}, "gamma")


main()
