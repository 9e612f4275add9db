"""Building and taking apart strings."""


def main(rounds=60):
    total = 0
    for round_number in range(rounds):
        text = ""
        for i in range(4000):
            text += "line " + str(i) + "\n"
        lines = text.split("\n")
        words = [word.upper() for line in lines for word in line.split()]
        joined = "-".join(words)
        total += len(joined.replace("LINE", "row")) + joined.count("9")
        total += sum(1 for line in lines if line.endswith("7"))
        total += len(f"{round_number:>8}|{total:,}|{'x' * 10!r}")
    return total
