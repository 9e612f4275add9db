# A small language compiled to a stack machine: assembler, disassembler, machine, with traps and a call stack.
import enum
import io
import struct
import sys


class Op(enum.IntEnum):
    HALT, PUSH, POP, DUP, SWAP, OVER, ADD, SUB, MUL, DIV, MOD, LESS, EQUAL, NOT, JUMP, JZERO, CALL, RET, LOAD, STORE, PRINT, CHAR, ROT = range(23)


WITH_OPERAND = frozenset({Op.PUSH, Op.JUMP, Op.JZERO, Op.CALL, Op.LOAD, Op.STORE})


class Trap(Exception):
    def __init__(self, reason, machine):
        super().__init__(reason)
        self.at, self.depth = machine.at, len(machine.calls)
        self.add_note(f"at {self.at:04x}, stack {machine.stack[-4:]}, {self.depth} calls deep")


def assemble(source):
    labels, items, place = {}, [], 0
    for number, line in enumerate(source.splitlines(), 1):
        words = line.partition(";")[0].split()
        while words:
            word = words.pop(0)
            if word.endswith(":"):
                if word[:-1] in labels:
                    raise SyntaxError(f"line {number}: label {word[:-1]} again")
                labels[word[:-1]] = place
                continue
            try:
                op = Op[word.upper()]
            except KeyError:
                raise SyntaxError(f"line {number}: no instruction {word!r}") from None
            items.append((op, words.pop(0) if op in WITH_OPERAND else None, number))
            place += 5 if op in WITH_OPERAND else 1
    code = bytearray()
    for op, operand, number in items:
        code.append(op)
        if operand is not None:
            try:
                value = labels[operand] if operand in labels else int(operand, 0)
            except ValueError as error:
                raise SyntaxError(f"line {number}: {operand}") from error
            code += struct.pack("<i", value)
    return bytes(code), labels


def disassemble(code, labels):
    names = {place: name for name, place in labels.items()}
    at = 0
    while at < len(code):
        op = Op(code[at])
        label = names.get(at, "")
        text = f"{label + ':' if label else '':<10}{at:04x}  {op.name.lower():<6}"
        if op in WITH_OPERAND:
            (operand,) = struct.unpack_from("<i", code, at + 1)
            shown = names.get(operand, operand) if op in (Op.JUMP, Op.JZERO, Op.CALL) else operand
            yield f"{text} {shown}"
            at += 5
        else:
            yield text.rstrip()
            at += 1


class Machine:
    def __init__(self, code, limit=100_000):
        self.code, self.at, self.limit = code, 0, limit
        self.stack, self.calls, self.memory = [], [], {}
        self.output = io.StringIO()
        self.handlers = {op: getattr(self, "op_" + op.name.lower()) for op in Op if hasattr(self, "op_" + op.name.lower())}
        self.steps = 0

    def pop(self):
        try:
            return self.stack.pop()
        except IndexError:
            raise Trap("stack underflow", self) from None

    def arithmetic(function):
        def handler(self):
            right, left = self.pop(), self.pop()
            try:
                self.stack.append(int(function(left, right)))
            except ZeroDivisionError as error:
                raise Trap("division", self) from error
        return handler

    op_add = arithmetic(lambda a, b: a + b)
    op_sub = arithmetic(lambda a, b: a - b)
    op_mul = arithmetic(lambda a, b: a * b)
    op_div = arithmetic(lambda a, b: a // b)
    op_mod = arithmetic(lambda a, b: a % b)
    op_less = arithmetic(lambda a, b: a < b)
    op_equal = arithmetic(lambda a, b: a == b)
    del arithmetic

    def op_push(self, value):
        self.stack.append(value)

    def op_pop(self):
        self.pop()

    def op_dup(self):
        value = self.pop()
        self.stack += value, value

    def op_swap(self):
        b, a = self.pop(), self.pop()
        self.stack += b, a

    def op_over(self):
        b, a = self.pop(), self.pop()
        self.stack += a, b, a

    def op_rot(self):
        c, b, a = self.pop(), self.pop(), self.pop()
        self.stack += b, c, a

    def op_not(self):
        self.stack.append(int(not self.pop()))

    def op_jump(self, target):
        self.at = target

    def op_jzero(self, target):
        if not self.pop():
            self.at = target

    def op_call(self, target):
        if len(self.calls) >= 500:
            raise Trap("too many calls", self)
        self.calls.append(self.at)
        self.at = target

    def op_ret(self):
        if not self.calls:
            raise Trap("return without call", self)
        self.at = self.calls.pop()

    def op_load(self, place):
        self.stack.append(self.memory.get(place, 0))

    def op_store(self, place):
        self.memory[place] = self.pop()

    def op_print(self):
        print(self.pop(), end=" ", file=self.output)

    def op_char(self):
        self.output.write(chr(self.pop()))

    def run(self):
        while True:
            if not 0 <= self.at < len(self.code):
                raise Trap("outside of the program", self)
            if self.steps >= self.limit:
                raise Trap("too many steps", self)
            self.steps += 1
            op = Op(self.code[self.at])
            self.at += 1
            if op is Op.HALT:
                return self
            if op in WITH_OPERAND:
                (operand,) = struct.unpack_from("<i", self.code, self.at)
                self.at += 4
                self.handlers[op](operand)
            else:
                self.handlers[op]()


PROGRAMS = {
    "factorial": "push 25 call fact print halt  fact: dup jzero one dup push 1 sub call fact mul ret one: pop push 1 ret",
    "fibonacci": "push 0 push 1 push 30 store 0\nloop: load 0 jzero end over print swap over add load 0 push 1 sub store 0 jump loop\nend: halt",
    "primes": """
        push 2 store 0
        next: load 0 push 60 less jzero done
        push 2 store 1
        test: load 1 load 1 mul load 0 swap less jzero no_more jump prime
        no_more: load 0 load 1 mod jzero composite
        load 1 push 1 add store 1 jump test
        prime: load 0 print
        composite: load 0 push 1 add store 0 jump next
        done: halt""",
    "hello": " ".join(f"push {ord(c)} char" for c in "Hello, ☃!") + " halt",
    "collatz": "push 27 loop: dup print dup push 1 equal not jzero end dup push 2 mod jzero even push 3 mul push 1 add jump loop "
               "even: push 2 div jump loop end: halt",
    "underflow": "push 1 add halt", "division": "push 1 push 0 div halt", "forever": "loop: jump loop",
    "recursion": "again: call again", "return": "ret", "edge": "jump 4000", "bad": "push 1\nfrobnicate", "label": "a: push 1 a: halt",
    "operand": "push xyz",
}
total = 0
for name, source in PROGRAMS.items():
    print(f"== {name}")
    try:
        code, labels = assemble(source)
        if name in ("factorial", "primes"):
            print(*disassemble(code, labels), sep="\n")
        machine = Machine(code).run()
        print(machine.output.getvalue().rstrip(), f"[{machine.steps} steps, stack {machine.stack}]")
        total += machine.steps
    except Trap as trap:
        print("trap:", trap, *trap.__notes__, "because", repr(trap.__cause__))
    except SyntaxError as error:
        print("error:", error, "because", repr(error.__cause__))
print(total)
sys.exit(total % 256)
