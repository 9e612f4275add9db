# A tokenizer and recursive-descent parser for arithmetic: evaluation, printing, simplification and derivatives.
import cmath
import math
import re
from dataclasses import dataclass
from fractions import Fraction

TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<op>\*\*|//|[-+*/%^!=(),]))")


class CalculatorError(Exception):
    def __init__(self, message, text, place):
        super().__init__(message)
        self.text, self.place = text, place

    def __str__(self):
        return f"{self.args[0]} at {self.place}\n    {self.text}\n    {' ' * self.place}^"


@dataclass(frozen=True)
class Number:
    value: object


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Unary:
    op: str
    operand: object


@dataclass(frozen=True)
class Binary:
    op: str
    left: object
    right: object


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple


@dataclass(frozen=True)
class Assign:
    name: str
    value: object


class Parser:
    def __init__(self, text):
        self.text, self.tokens, place = text, [], 0
        end = len(text.rstrip())
        while place < end:
            match = TOKEN.match(text, place)
            if not match:
                raise CalculatorError(f"unexpected {text[place:].lstrip()[0]!r}", text, end - len(text[place:end].lstrip()))
            self.tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            place = match.end()
        self.tokens.append(("end", "", end))
        self.at = 0

    def fail(self, message):
        raise CalculatorError(message, self.text, self.tokens[self.at][2])

    def accept(self, *ops):
        kind, text, _ = self.tokens[self.at]
        if kind == "op" and text in ops:
            self.at += 1
            return text

    def expect(self, op):
        if not self.accept(op):
            self.fail(f"expected {op!r}")

    def parse(self):
        match self.tokens[:2]:
            case [("name", name, _), ("op", "=", _)]:
                self.at = 2
                tree = Assign(name, self.sum())
            case _:
                tree = self.sum()
        if self.tokens[self.at][0] != "end":
            self.fail(f"unexpected {self.tokens[self.at][1]!r}")
        return tree

    def sum(self):
        left = self.product()
        while op := self.accept("+", "-"):
            left = Binary(op, left, self.product())
        return left

    def product(self):
        left = self.unary()
        while op := self.accept("*", "/", "//", "%"):
            left = Binary(op, left, self.unary())
        return left

    def unary(self):
        if op := self.accept("-", "+"):
            return Unary(op, self.unary())
        return self.power()

    def power(self):
        base = self.postfix()
        if self.accept("**", "^"):
            return Binary("^", base, self.unary())
        return base

    def postfix(self):
        operand = self.primary()
        while self.accept("!"):
            operand = Unary("!", operand)
        return operand

    def primary(self):
        kind, text, _ = self.tokens[self.at]
        if kind == "number":
            self.at += 1
            return Number(Fraction(text) if re.fullmatch(r"\d+(\.\d*)?", text) else float(text))
        if kind == "name":
            self.at += 1
            if not self.accept("("):
                return Name(text)
            arguments = []
            if not self.accept(")"):
                arguments.append(self.sum())
                while self.accept(","):
                    arguments.append(self.sum())
                self.expect(")")
            return Call(text, tuple(arguments))
        if self.accept("("):
            inside = self.sum()
            self.expect(")")
            return inside
        self.fail("expected a number, a name or '('")


FUNCTIONS = {"sin": math.sin, "cos": math.cos, "exp": math.exp, "ln": math.log, "sqrt": lambda x: cmath.sqrt(x) if x < 0 else math.sqrt(x),
             "max": max, "min": min, "gcd": lambda a, b: math.gcd(int(a), int(b)), "abs": abs}


def evaluate(tree, names):
    match tree:
        case Number(value):
            return value
        case Name(name):
            return names[name]
        case Assign(name, value):
            names[name] = evaluate(value, names)
            return names[name]
        case Unary("-", operand):
            return -evaluate(operand, names)
        case Unary("+", operand):
            return evaluate(operand, names)
        case Unary("!", operand):
            value = evaluate(operand, names)
            if value != int(value) or value < 0:
                raise ValueError(f"no factorial of {value}")
            return Fraction(math.factorial(int(value)))
        case Call(name, arguments):
            return FUNCTIONS[name](*(evaluate(argument, names) for argument in arguments))
        case Binary(op, left, right):
            left, right = evaluate(left, names), evaluate(right, names)
            match op:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "/":
                    return left / right
                case "//":
                    return left // right
                case "%":
                    return left % right
                case "^":
                    return left ** right
    raise TypeError(tree)


LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "^": 4}


def show(tree, level=0):
    match tree:
        case Number(value):
            return str(value) if value == int(value) else f"({value})" if isinstance(value, Fraction) else repr(value)
        case Name(name):
            return name
        case Unary("!", operand):
            return show(operand, 5) + "!"
        case Unary(op, operand):
            text = op + show(operand, 3)
            return f"({text})" if level > 2 else text
        case Call(name, arguments):
            return f"{name}({', '.join(map(show, arguments))})"
        case Binary("^", left, right):
            return f"{show(left, 5)}^{show(right, 3)}"
        case Binary(op, left, right):
            text = f"{show(left, LEVEL[op])} {op} {show(right, LEVEL[op] + 1)}"
            return f"({text})" if level > LEVEL[op] else text
        case Assign(name, value):
            return f"{name} = {show(value)}"


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def simplify(tree):
    match tree:
        case Unary(op, operand):
            operand = simplify(operand)
            return Number(-operand.value) if op == "-" and isinstance(operand, Number) else Unary(op, operand)
        case Call(name, arguments):
            return Call(name, tuple(map(simplify, arguments)))
        case Binary(op, left, right):
            match op, simplify(left), simplify(right):
                case _, Number() as a, Number() as b if op != "/" or b.value:
                    return Number(evaluate(Binary(op, a, b), {}))
                case ("+", a, b) if a == ZERO:
                    return b
                case ("+" | "-", a, b) if b == ZERO:
                    return a
                case ("*", a, b) if ZERO in (a, b):
                    return ZERO
                case ("*", a, b) if a == ONE:
                    return b
                case ("*" | "/" | "^", a, b) if b == ONE:
                    return a
                case op, a, b:
                    return Binary(op, a, b)
    return tree


def derive(tree, name):
    match tree:
        case Number():
            return ZERO
        case Name(other):
            return ONE if other == name else ZERO
        case Unary(op, operand) if op in "+-":
            return Unary(op, derive(operand, name))
        case Binary("+" | "-" as op, left, right):
            return Binary(op, derive(left, name), derive(right, name))
        case Binary("*", left, right):
            return Binary("+", Binary("*", derive(left, name), right), Binary("*", left, derive(right, name)))
        case Binary("/", left, right):
            top = Binary("-", Binary("*", derive(left, name), right), Binary("*", left, derive(right, name)))
            return Binary("/", top, Binary("^", right, Number(Fraction(2))))
        case Binary("^", base, Number(power)):
            return Binary("*", Binary("*", Number(power), Binary("^", base, Number(power - 1))), derive(base, name))
        case Call("sin", (inner,)):
            return Binary("*", Call("cos", (inner,)), derive(inner, name))
        case Call("exp", (inner,)):
            return Binary("*", tree, derive(inner, name))
    raise NotImplementedError(f"derivative of {show(tree)}")


names = {"pi": math.pi, "e": math.e}
for line in ["1 + 2 * 3", "(1+2)*3", "2^3^2", "-2^2", "2^-1", "7 // 2 - -7 % 3", "1/3 + 1/6", "x = 20!", "x / 18!", "3!!", "y = .5e1", "y*y",
             "sin(pi/2)", "sqrt(-4)", "max(1, 2, y)", "gcd(84, 36)", "1.25 * 4", "10 / 4", "2 ^ 100", "ln(e)", "π = 3", "π * 2", "0.1 + 0.2", "1e400",
             "1 +", "(1", "1 2", "2 $ 3", "nosuch + 1", "f(1)", "1 / 0", "1.5!", "sin(1, 2)", "max(", "", "2^0.5", "-(-(-1))", "1.0e308*10"]:
    try:
        tree = Parser(line).parse()
        print(f"{line:<18} {show(tree):<22} {evaluate(tree, names)}")
    except CalculatorError as error:
        print(f"{line:<18} {error}")
    except Exception as error:
        print(f"{line:<18} {type(error).__name__}: {error}")
for line in ["x^2", "3*x^3 - 2*x + 7", "sin(x^2)", "exp(3*x)/x", "(x+1)*(x-1)", "ln(x)", "x*0 + 1*x^1"]:
    tree = Parser(line).parse()
    try:
        print(f"d/dx {line} = {show(simplify(derive(tree, 'x')))}")
    except NotImplementedError as error:
        print(error)
print(repr(Parser("-a + f(2, b)!").parse()))
