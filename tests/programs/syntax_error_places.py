"""Where and how a SyntaxError is shown, for places of every kind."""
import sys


def plain(error):
    error.__traceback__ = None
    sys.__excepthook__(type(error), error, None)


def grid():
    for line in (None, 1, 3, 2**80):
        for file in ("x.py", None):
            for text in ("abc\n", None, "   abc \n\n", "a\nbcdef\n", ""):
                for offset in (None, 0, 1, 3, -2, 9):
                    for end in ((None, None), (1, 5), (1, 0), (1, -1), (2, 3), (1, 100), (0, 0)):
                        print("#", line, file, repr(text), offset, end, file=sys.stderr)
                        try:
                            error = SyntaxError("message", (file, line, offset, text, *end))
                        except TypeError as wrong:
                            print(wrong, file=sys.stderr)
                        else:
                            plain(error)


class Own(SyntaxError):
    def __str__(self):
        return "own text"


grid()
plain(SyntaxError())
for kind in (SyntaxError, IndentationError, Own):
    plain(kind("message", ("file", 1, 4, "h\xe9llo w\xf6rld", 1, 9)))
    plain(kind("message"))
for text, offset in (("abc\n  def\n  fg", 10), ("   \n    abc\n  def", 10), ("    abc\r\n  def\n", 10), ("\tab\t\tc", 3)):
    plain(SyntaxError("message", ("file", 1, offset, text, 1, 20)))
for name, value in (("offset", "x"), ("end_offset", "x"), ("end_lineno", "x"), ("filename", 4), ("msg", 4), ("lineno", True)):
    error = SyntaxError("message", ("file", 1, 3, "abc"))
    setattr(error, name, value)
    plain(error)
for name in ("msg", "filename", "text", "print_file_and_line"):
    error = SyntaxError("message", ("file", 1, 3, "abc"))
    delattr(error, name)
    plain(error)
