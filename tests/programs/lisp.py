# A Lisp interpreter with macros, tail calls, exceptions and a small library written in itself.
import itertools
import math
import operator
import re
import sys
from fractions import Fraction


class Symbol(str):
    table = {}

    def __new__(cls, name):
        if name not in cls.table:
            cls.table[name] = str.__new__(cls, name)
        return cls.table[name]

    __slots__ = ()

    def __repr__(self):
        return str(self)


QUOTE, QUASI, UNQUOTE, SPLICE, DOT = map(Symbol, ("quote", "quasiquote", "unquote", "unquote-splicing", "."))
MARKS = {"'": QUOTE, "`": QUASI, ",": UNQUOTE, ",@": SPLICE}
TOKEN = re.compile(r"""\s*(?:;[^\n]*\s*)*(,@|[('`,)]|"(?:\\.|[^\\"])*"|[^\s('"`,;)]+|$)""")


class LispError(Exception):
    pass


def tokens(text):
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if not match:
            raise LispError(f"cannot read {text[place:place + 10]!r}")
        place = match.end()
        if match.group(1):
            yield match.group(1)


def atom(token):
    if token[0] == '"':
        return token[1:-1].encode().decode("unicode_escape")
    if token in ("#t", "#f"):
        return token == "#t"
    for kind in (int, Fraction, float):
        try:
            return kind(token)
        except ValueError:
            pass
    return Symbol(token)


def read(stream):
    try:
        token = next(stream)
    except StopIteration:
        raise LispError("unexpected end") from None
    if token == "(":
        items = []
        while (item := read(stream)) is not CLOSE:
            items.append(item)
        return items
    if token == ")":
        return CLOSE
    if token in MARKS:
        return [MARKS[token], read(stream)]
    return atom(token)


CLOSE = object()


def show(value):
    match value:
        case True:
            return "#t"
        case False:
            return "#f"
        case Symbol():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case list():
            return "(" + " ".join(map(show, value)) + ")"
        case None:
            return "nil"
        case _:
            return str(value)


class Scope(dict):
    def __init__(self, names=(), values=(), outer=None):
        self.outer = outer
        if isinstance(names, Symbol):
            self[names] = list(values)
            return
        names = list(names)
        if DOT in names:
            at = names.index(DOT)
            if len(values) < at:
                raise LispError(f"expected at least {at} arguments, got {len(values)}")
            self.update(zip(names[:at], values))
            self[names[at + 1]] = list(values[at:])
            return
        if len(names) != len(values):
            raise LispError(f"expected {len(names)} arguments, got {len(values)}")
        self.update(zip(names, values))

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope:
                return scope
            scope = scope.outer
        raise LispError(f"unbound: {name}")


class Procedure:
    __slots__ = ("names", "body", "scope", "name")

    def __init__(self, names, body, scope, name="lambda"):
        self.names, self.body, self.scope, self.name = names, body, scope, name

    def __call__(self, *values):
        return evaluate(self.body, Scope(self.names, values, self.scope))

    def __str__(self):
        return f"<procedure {self.name}>"


MACROS = {}


def expand_quasi(form):
    if not isinstance(form, list) or not form:
        return [QUOTE, form]
    if form[0] is UNQUOTE:
        return form[1]
    if isinstance(form[0], list) and form[0] and form[0][0] is SPLICE:
        return [Symbol("append"), form[0][1], expand_quasi(form[1:])]
    return [Symbol("cons"), expand_quasi(form[0]), expand_quasi(form[1:])]


def evaluate(form, scope):
    while True:
        if isinstance(form, Symbol):
            return scope.find(form)[form]
        if not isinstance(form, list):
            return form
        if not form:
            return form
        match form:
            case ["quote", value]:
                return value
            case ["quasiquote", value]:
                form = expand_quasi(value)
                continue
            case ["if", test, then, *rest]:
                form = then if evaluate(test, scope) is not False else (rest[0] if rest else None)
                continue
            case ["define", [name, *names], *body]:
                scope[name] = Procedure(names, [Symbol("begin"), *body], scope, name)
                return None
            case ["define", name, value]:
                scope[name] = evaluate(value, scope)
                return None
            case ["set!", name, value]:
                scope.find(name)[name] = evaluate(value, scope)
                return None
            case ["lambda", names, *body]:
                return Procedure(names, [Symbol("begin"), *body], scope)
            case ["begin", *forms, last]:
                for item in forms:
                    evaluate(item, scope)
                form = last
                continue
            case ["let", list(bindings), *body]:
                names = [name for name, _ in bindings]
                scope = Scope(names, [evaluate(value, scope) for _, value in bindings], scope)
                form = [Symbol("begin"), *body]
                continue
            case ["let", Symbol() as name, list(bindings), *body]:
                inner = Scope(outer=scope)
                inner[name] = Procedure([n for n, _ in bindings], [Symbol("begin"), *body], inner, name)
                form, scope = [name, *(value for _, value in bindings)], inner
                continue
            case ["defmacro", [name, *names], *body]:
                MACROS[name] = Procedure(names, [Symbol("begin"), *body], scope, name)
                return None
            case ["try", body, handler]:
                try:
                    return evaluate(body, scope)
                except (LispError, ArithmeticError, TypeError) as error:
                    return evaluate(handler, scope)(f"{type(error).__name__}: {error}")
            case [Symbol() as name, *arguments] if name in MACROS:
                form = MACROS[name](*arguments)
                continue
        function, *values = [evaluate(item, scope) for item in form]
        if isinstance(function, Procedure):
            form, scope = function.body, Scope(function.names, values, function.scope)
            continue
        if not callable(function):
            raise LispError(f"not a function: {show(function)}")
        return function(*values)


def fold(function, start):
    def call(*values):
        result = start
        for value in values:
            result = function(result, value)
        return result
    return call


def compare(function):
    return lambda *values: all(map(function, values, values[1:]))


def divide(first, *rest):
    for value in rest:
        first = Fraction(first) / value if not isinstance(first, float) and not isinstance(value, float) else first / value
    return int(first) if isinstance(first, Fraction) and first.denominator == 1 else first


def fail(*values):
    raise LispError(" ".join(v if isinstance(v, str) else show(v) for v in values))


def display(*values):
    print(*(value if isinstance(value, str) else show(value) for value in values))


BUILTIN = {
    "+": fold(operator.add, 0), "*": fold(operator.mul, 1), "/": divide,
    "-": lambda first, *rest: first - sum(rest) if rest else -first,
    "<": compare(operator.lt), ">": compare(operator.gt), "=": compare(operator.eq), "<=": compare(operator.le),
    "mod": operator.mod, "quotient": operator.floordiv, "expt": pow, "sqrt": math.sqrt, "abs": abs,
    "car": lambda items: items[0] if items else fail("car of ()"), "cdr": lambda items: items[1:],
    "cons": lambda first, rest: [first, *rest], "list": lambda *values: list(values),
    "append": lambda *lists: sum(lists, []), "length": len, "null?": lambda value: value == [],
    "pair?": lambda value: isinstance(value, list) and value != [], "symbol?": lambda v: isinstance(v, Symbol),
    "equal?": operator.eq, "not": lambda value: value is False, "display": display, "error": fail,
    "apply": lambda function, values: function(*values), "string-append": lambda *parts: "".join(parts),
    "number->string": str, "max": max, "min": min,
}

LIBRARY = """
(define (map f items) (let loop ((rest items) (done ()))
  (if (null? rest) done (loop (cdr rest) (append done (list (f (car rest))))))))
(define (filter f items) (if (null? items) () (if (f (car items))
  (cons (car items) (filter f (cdr items))) (filter f (cdr items)))))
(define (reduce f start items) (if (null? items) start (reduce f (f start (car items)) (cdr items))))
(define (range from to) (let loop ((n (- to 1)) (done ())) (if (< n from) done (loop (- n 1) (cons n done)))))
(define (compose . fs) (lambda (x) (reduce (lambda (value f) (f value)) x fs)))
(defmacro (when test . body) `(if ,test (begin ,@body) #f))
(defmacro (unless test . body) `(if ,test #f (begin ,@body)))
(defmacro (and . tests) (if (null? tests) #t (if (null? (cdr tests)) (car tests) `(if ,(car tests) (and ,@(cdr tests)) #f))))
(defmacro (or . tests) (if (null? tests) #f `(let ((value ,(car tests))) (if value value (or ,@(cdr tests))))))
(defmacro (cond . clauses) (if (null? clauses) '(error "no clause")
  (if (equal? (car (car clauses)) 'else) `(begin ,@(cdr (car clauses)))
    `(if ,(car (car clauses)) (begin ,@(cdr (car clauses))) (cond ,@(cdr clauses))))))
(defmacro (while test . body) `(let loop () (when ,test ,@body (loop))))
"""

PROGRAM = r"""
(define (fact n) (if (< n 2) 1 (* n (fact (- n 1)))))
(display "factorials" (map fact (range 0 15)))
(fact 60)
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(map fib (range 0 16))
(let loop ((n 20000) (sum 0)) (if (= n 0) sum (loop (- n 1) (+ sum n))))
(define (sort items) (if (null? items) ()
  (let ((pivot (car items)) (rest (cdr items)))
    (append (sort (filter (lambda (x) (< x pivot)) rest)) (list pivot)
            (sort (filter (lambda (x) (not (< x pivot))) rest))))))
(sort '(3 1 4 1 5 9 2 6 5 3 5 8 9 7 9))
(define (make-account balance) (lambda (amount) (set! balance (+ balance amount))
  (when (< balance 0) (error "overdrawn by" (- balance))) balance))
(define account (make-account 100))
(list (account 50) (account -30) (account -120))
(try (account -1) (lambda (message) (string-append "caught " message)))
(define (primes n) (filter (lambda (k) (and (< 1 k) (null? (filter (lambda (d) (= 0 (mod k d))) (range 2 k))))) (range 2 n)))
(primes 60)
(/ 1 3) (/ 6 3) (/ 1 3.0) (+ 1/2 1/3 1/6) (expt 2 200) (sqrt 2)
((compose (lambda (x) (+ x 1)) (lambda (x) (* x x)) list) 6)
`(1 ,(+ 1 1) ,@(map fact '(3 4)) (nested ,(list 'a "b\n\"q\"")))
(define (sign n) (cond ((< n 0) 'negative) ((= n 0) 'zero) (else 'positive)))
(map sign '(-5 0 7))
(define i 0) (while (< i 3) (display "i is" i) (set! i (+ i 1)))
(define (hanoi n a b c) (if (= n 0) 0 (+ (hanoi (- n 1) a c b) 1 (hanoi (- n 1) c b a))))
(hanoi 8 'a 'b 'c)
(try (car ()) (lambda (m) m)) (try (/ 1 0) (lambda (m) m)) (try (+ 1 "x") (lambda (m) m)) (try (undefined 1) (lambda (m) m))
(try ((lambda (a b) a) 1) (lambda (m) m)) (try (5 5) (lambda (m) m)) fact car (or #f #f 3) (and 1 2 #f)
((lambda (first . rest) (list first rest)) 1 2 3)
((lambda all all) 1 2)
(unless #f 'done)
"""


def run(text, scope, echo):
    stream = tokens(text)
    while True:
        try:
            token = next(stream)
        except StopIteration:
            return
        form = read(itertools.chain([token], stream))
        value = evaluate(form, scope)
        if echo and value is not None:
            print(show(form)[:60], "=>", show(value) if not callable(value) or isinstance(value, Procedure) else "builtin")


scope = Scope()
scope.update((Symbol(name), value) for name, value in BUILTIN.items())
run(LIBRARY, scope, False)
run(PROGRAM, scope, True)
for bad in ("(", "(car", "(undefined)", "(let ((x)) x)", '"unclosed'):
    try:
        run(bad, scope, True)
    except (LispError, ValueError) as error:
        print(f"{bad!r}: {type(error).__name__}: {error}")
try:
    run("(define (deep n) (+ 1 (deep n))) (deep 1)", scope, True)
except RecursionError as error:
    print("deep recursion:", str(error)[:32])
sys.exit(len(MACROS))
