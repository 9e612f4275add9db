# A bank: accounts, transactions with rollback, interest, events by time, statements, invariants, a small query language.
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import heapq
import itertools
import operator
import random
import re
from decimal import Decimal


class Kind(enum.StrEnum):
    DEPOSIT = enum.auto()
    WITHDRAWAL = enum.auto()
    TRANSFER = enum.auto()
    INTEREST = enum.auto()
    FEE = enum.auto()


class BankError(Exception):
    """Something that the bank refuses."""


class InsufficientFunds(BankError):
    def __init__(self, account, amount):
        super().__init__(f"{account.number} has {account.balance}, needs {amount}")
        self.missing = amount - account.available


@dataclasses.dataclass(frozen=True, order=True)
class Entry:
    when: datetime.date
    number: int
    kind: Kind = dataclasses.field(compare=False)
    account: str = dataclasses.field(compare=False)
    amount: Decimal = dataclasses.field(compare=False)
    text: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass
class Account:
    number: str
    owner: str
    balance: Decimal = Decimal("0.00")
    limit: Decimal = Decimal(0)
    frozen: bool = False

    @property
    def available(self):
        return self.balance + self.limit

    def change(self, amount):
        if self.frozen:
            raise BankError(f"{self.number} is frozen")
        if self.available + amount < 0:
            raise InsufficientFunds(self, -amount)
        self.balance += amount


class Savings(Account):
    rate = Decimal("0.0275")

    def interest(self, days):
        return (self.balance * self.rate * days / 365).quantize(Decimal("0.01"), decimal.ROUND_HALF_EVEN)


def audited(method):
    @functools.wraps(method)
    def wrapper(self, *arguments, **keywords):
        self.calls[method.__name__] += 1
        try:
            return method(self, *arguments, **keywords)
        except BankError as error:
            self.refusals.append((method.__name__, type(error).__name__, str(error)))
            raise
    return wrapper


class Bank:
    def __init__(self, start):
        self.accounts, self.ledger, self.today = {}, [], start
        self.calls, self.refusals, self.numbers = collections.Counter(), [], itertools.count(1)
        self.agenda, self.ticket = [], itertools.count()

    def open(self, kind, owner, **keywords):
        number = f"{kind.__name__[0]}{len(self.accounts) + 1:03}"
        self.accounts[number] = kind(number, owner, **keywords)
        return number

    def __getitem__(self, number):
        try:
            return self.accounts[number]
        except KeyError:
            raise BankError(f"no account {number}") from None

    def __enter__(self):
        self.saved = {number: account.balance for number, account in self.accounts.items()}, len(self.ledger)
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            balances, length = self.saved
            for number, balance in balances.items():
                self.accounts[number].balance = balance
            del self.ledger[length:]
            return issubclass(kind, BankError)

    def book(self, kind, number, amount, text=""):
        self[number].change(amount)
        self.ledger.append(Entry(self.today, next(self.numbers), kind, number, amount, text))

    @audited
    def deposit(self, number, amount):
        if amount <= 0:
            raise BankError("nothing to deposit")
        self.book(Kind.DEPOSIT, number, amount)

    @audited
    def withdraw(self, number, amount):
        self.book(Kind.WITHDRAWAL, number, -amount)

    @audited
    def transfer(self, source, target, amount, text=""):
        with self:
            self.book(Kind.TRANSFER, target, amount, text)
            self.book(Kind.TRANSFER, source, -amount, text)
            return True
        raise BankError(f"transfer of {amount} from {source} to {target} undone")

    def schedule(self, days, action, *arguments):
        heapq.heappush(self.agenda, (self.today + datetime.timedelta(days), next(self.ticket), action, arguments))

    def run(self, until):
        while self.agenda and self.agenda[0][0] <= until:
            self.today, _, action, arguments = heapq.heappop(self.agenda)
            try:
                action(self, *arguments)
            except BankError:
                pass
        self.today = until

    def check(self):
        sums = collections.defaultdict(Decimal)
        for entry in self.ledger:
            sums[entry.account] += entry.amount
        assert all(sums[number] == account.balance for number, account in self.accounts.items()), "books do not balance"
        return sum(sums.values())


def monthly_interest(bank):
    for number, account in bank.accounts.items():
        if isinstance(account, Savings) and (amount := account.interest(30)):
            bank.book(Kind.INTEREST, number, amount, f"{account.rate:%}")
    bank.schedule(30, monthly_interest)


def salary(bank, number, amount):
    bank.deposit(number, amount)
    bank.schedule(30, salary, number, amount)


def statement(bank, number):
    account = bank[number]
    print(f"{account.number} {account.owner:<8} {account.balance:>12,.2f}{' (frozen)' * account.frozen}")
    running = Decimal(0)
    for month, entries in itertools.groupby((e for e in sorted(bank.ledger) if e.account == number), key=lambda e: e.when.strftime("%Y-%m")):
        entries = list(entries)
        running += sum(e.amount for e in entries)
        kinds = collections.Counter(e.kind for e in entries)
        print(f"  {month} {len(entries):>3} entries {running:>12,.2f}  " + " ".join(f"{kind}={count}" for kind, count in sorted(kinds.items())))


OPERATORS = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "<=": operator.le, ">=": operator.ge, "~": lambda text, part: re.search(part, str(text)) is not None}


def query(bank, text):
    """Entries which meet conditions such as `kind = fee and amount < -5`."""
    conditions = []
    for part in re.split(r"\s+and\s+", text):
        match = re.fullmatch(r"(\w+)\s*(<=|>=|[<>=~])\s*(.+)", part.strip())
        if not match or match[1] not in Entry.__dataclass_fields__:
            raise BankError(f"cannot understand {part!r}")
        name, op, value = match.groups()
        convert = {"amount": Decimal, "number": int, "when": datetime.date.fromisoformat}.get(name, str)
        conditions.append((operator.attrgetter(name), OPERATORS[op], value if op == "~" else convert(value)))
    return [entry for entry in bank.ledger if all(op(get(entry), value) for get, op, value in conditions)]


def main():
    source = random.Random(1952)
    bank = Bank(datetime.date(2026, 1, 1))
    people = ["ada", "grace", "alan", "barbara"]
    current = [bank.open(Account, person, limit=Decimal(100 * n)) for n, person in enumerate(people)]
    savings = [bank.open(Savings, person) for person in people[:2]]
    for n, number in enumerate(current):
        bank.schedule(n, salary, number, Decimal(1500 + 250 * n))
    bank.schedule(30, monthly_interest)
    for _ in range(400):
        day, number = source.randrange(360), source.choice(current)
        amount = Decimal(source.randrange(100, 60000)) / 100
        match source.randrange(5):
            case 0 | 1:
                bank.schedule(day, Bank.withdraw, number, amount)
            case 2:
                bank.schedule(day, Bank.transfer, number, source.choice(current + savings + ["X999"]), amount, "gift")
            case 3:
                bank.schedule(day, Bank.transfer, number, source.choice(savings), amount, "saving")
            case _:
                bank.schedule(day, lambda bank, number: bank.book(Kind.FEE, number, Decimal("-2.50"), "card"), number)
    bank.schedule(300, lambda bank: setattr(bank["A003"], "frozen", True))
    bank.run(datetime.date(2026, 12, 31))
    for number in bank.accounts:
        statement(bank, number)
    print("total", bank.check(), dict(bank.calls), collections.Counter(name for _, name, _ in bank.refusals))
    for refusal in bank.refusals[:6] + bank.refusals[-4:]:
        print("refused", *refusal)
    for text in ("kind = fee and account = A001", "amount > 1900", "text ~ ^2.7 and when >= 2026-11-01", "number <= 3", "when < 2026-01-03 and amount < 0"):
        found = query(bank, text)
        print(f"{text!r}: {len(found)}", *(f"{e.when} {e.account} {e.amount}" for e in found[:3]))
    for action in (lambda: query(bank, "colour = red"), lambda: bank["nope"], lambda: bank.deposit("A001", Decimal(0)), lambda: bank.withdraw("A001", Decimal(10 ** 6)), lambda: bank.transfer("A003", "A001", Decimal(1))):
        try:
            action()
        except BankError as error:
            print(type(error).__name__, error, getattr(error, "missing", ""))
    bank.ledger.pop()
    try:
        bank.check()
    except AssertionError as error:
        print("assertion:", error)


main()
