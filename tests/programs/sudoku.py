# Sudoku: constraint propagation with sets, and search with bit masks; both must agree.
import itertools

PUZZLES = [
    "530070000600195000098000060800060003400803001700020006060000280000419005000080079",
    "4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......",
    "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9"[:81],
    "000000907000420180000705026100904000050000040000507009920108000034059000507000000",
    "120000000000000000000000000000000000000000000000000000000000000000000000000000021",
    "55" + "0" * 79,
]
DIGITS = "123456789"
CELLS = range(81)
UNITS = [[r * 9 + c for c in range(9)] for r in range(9)]
UNITS += [[r * 9 + c for r in range(9)] for c in range(9)]
UNITS += [[(br + r) * 9 + bc + c for r in range(3) for c in range(3)] for br in (0, 3, 6) for bc in (0, 3, 6)]
PEERS = {cell: frozenset(itertools.chain.from_iterable(unit for unit in UNITS if cell in unit)) - {cell} for cell in CELLS}


class Contradiction(Exception):
    """No digit fits into a cell, or a digit fits nowhere in a unit."""


class Board:
    steps = 0

    def __init__(self, text=None):
        self.options = {cell: set(DIGITS) for cell in CELLS}
        if text:
            for cell, digit in enumerate(text):
                if digit in DIGITS:
                    self.assign(cell, digit)

    def copy(self):
        other = Board()
        other.options = {cell: options.copy() for cell, options in self.options.items()}
        return other

    def assign(self, cell, digit):
        for other in sorted(self.options[cell] - {digit}):
            self.eliminate(cell, other)
        if self.options[cell] != {digit}:
            raise Contradiction(f"cell {cell} cannot be {digit}")

    def eliminate(self, cell, digit):
        options = self.options[cell]
        if digit not in options:
            return
        Board.steps += 1
        options.remove(digit)
        if not options:
            raise Contradiction(f"nothing fits into cell {cell}")
        if len(options) == 1:
            (last,) = options
            for peer in sorted(PEERS[cell]):
                self.eliminate(peer, last)
        for unit in UNITS:
            if cell in unit:
                places = [place for place in unit if digit in self.options[place]]
                if not places:
                    raise Contradiction(f"no place for {digit}")
                if len(places) == 1:
                    self.assign(places[0], digit)

    @property
    def solved(self):
        return all(len(options) == 1 for options in self.options.values())

    def __str__(self):
        return "".join(min(options) if len(options) == 1 else "." for options in self.options.values())

    def solve(self):
        if self.solved:
            yield str(self)
            return
        cell = min((cell for cell in CELLS if len(self.options[cell]) > 1), key=lambda cell: (len(self.options[cell]), cell))
        for digit in sorted(self.options[cell]):
            trial = self.copy()
            try:
                trial.assign(cell, digit)
            except Contradiction:
                continue
            yield from trial.solve()


def solve_masks(text):
    """The first solution in order of digits, by plain backtracking over 27 bit masks."""
    rows, columns, boxes = [0] * 9, [0] * 9, [0] * 9
    board = [int(c) if c in DIGITS else 0 for c in text]
    for cell, digit in enumerate(board):
        if digit:
            bit, r, c = 1 << digit, cell // 9, cell % 9
            if (rows[r] | columns[c] | boxes[r // 3 * 3 + c // 3]) & bit:
                return None
            rows[r] |= bit
            columns[c] |= bit
            boxes[r // 3 * 3 + c // 3] |= bit

    def search():
        best, best_free = None, None
        for cell in CELLS:
            if not board[cell]:
                r, c = divmod(cell, 9)
                free = ~(rows[r] | columns[c] | boxes[r // 3 * 3 + c // 3]) & 0x3FE
                if best is None or free.bit_count() < best_free.bit_count():
                    best, best_free = cell, free
        if best is None:
            return True
        r, c = divmod(best, 9)
        b = r // 3 * 3 + c // 3
        while best_free:
            bit = best_free & -best_free
            best_free ^= bit
            rows[r] ^= bit
            columns[c] ^= bit
            boxes[b] ^= bit
            board[best] = bit.bit_length() - 1
            if search():
                return True
            rows[r] ^= bit
            columns[c] ^= bit
            boxes[b] ^= bit
        board[best] = 0
        return False

    return "".join(map(str, board)) if search() else None


def grid(text):
    lines = []
    for r in range(9):
        row = text[r * 9:r * 9 + 9]
        lines.append(" | ".join(" ".join(row[c:c + 3]) for c in (0, 3, 6)))
        if r in (2, 5):
            lines.append("------+-------+------")
    return "\n".join(lines)


def valid(text):
    return all({text[cell] for cell in unit} == set(DIGITS) for unit in UNITS)


for puzzle in PUZZLES:
    print(puzzle, sum(c in DIGITS for c in puzzle), "givens")
    Board.steps = 0
    try:
        solutions = list(itertools.islice(Board(puzzle).solve(), 2))
    except Contradiction as reason:
        print("impossible:", reason, "| masks:", solve_masks(puzzle))
        continue
    print(grid(solutions[0]) if solutions else "no solution")
    print("solutions:", len(solutions), "eliminations:", Board.steps, "valid:", all(map(valid, solutions)))
    masks = solve_masks(puzzle)
    print("masks:", masks, masks in solutions, valid(masks or "." * 81))
