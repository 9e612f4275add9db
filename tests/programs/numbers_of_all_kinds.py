# Numbers: decimal, fractions, statistics, random sequences, big integers.
import decimal
import fractions
import math
import random
import statistics
from decimal import Decimal as D
from fractions import Fraction as F


def attempt(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def decimals():
    print(D("1.10") + D("2.2"), D(1) / D(7), D("1e-30") * 3, D("123.456").quantize(D("0.01"), decimal.ROUND_HALF_EVEN), D(0.1))
    for rounding in sorted(name for name in dir(decimal) if name.startswith("ROUND_")):
        print(rounding, [str(D(text).quantize(D(1), getattr(decimal, rounding))) for text in ("2.5", "-2.5", "2.51", "-0.5", "1.05")])
    with decimal.localcontext() as context:
        context.prec = 50
        print(D(2).sqrt(), D(1).exp(), D(10).ln(), D(2) ** D("0.5"), +D("1." + "3" * 60))
        context.traps[decimal.Inexact] = True
        print(attempt(lambda: D(1) / 3))
    print(D("NaN") == D("NaN"), D("-Infinity") < 5, D("1E+5"), D("1E+5").normalize(), D("0.00").is_zero(), D("12.3400").as_tuple(), D("-12.34").to_eng_string())
    for call in (lambda: D("x"), lambda: D(1) / 0, lambda: D("Infinity") - D("Infinity"), lambda: D(1) + 1.5, lambda: D("sNaN") + 1, lambda: D(10) ** 10 ** 20, lambda: int(D("NaN"))):
        print(attempt(call))
    print(f"{D('1234567.891'):,.2f} {D('0.000012'):e} {D('12'):>+8} {D('.5'):%}", hash(D("1.5")) == hash(1.5), round(D("2.675"), 2), divmod(D(-7), 3), D(5) // -3)


def rationals():
    print(F(3, 4) + F("1/6"), F(0.125), F("2.5e-3"), F(-7, 3) // 1, F(7, 3) % 1, F(22, 7) ** -2, float(F(1, 3)), F(math.pi).limit_denominator(1000), round(F(7, 2)), hash(F(1, 2)) == hash(.5))
    print(attempt(lambda: F(1, 0)), attempt(lambda: F("x")), sorted([F(1, 2), .4, 1, D("0.3") and F(1, 3)]), F(1, 3) == 1 / 3, f"{F(5, 3)}", math.floor(F(-5, 2)))
    harmonic = sum((F(1, n) for n in range(1, 40)), F())
    print(harmonic, harmonic.numerator.bit_length())


def statistical():
    data = [2.75, 1.75, 1.25, 0.25, 0.5, 1.25, 3.5]
    print(statistics.mean(data), statistics.fmean(data), statistics.median(data), statistics.mode(data), statistics.multimode("aabbc"), statistics.stdev(data), statistics.pvariance(data))
    print(statistics.quantiles(range(1, 12), n=4), statistics.harmonic_mean([40, 60]), statistics.geometric_mean([54, 24, 36]), statistics.median_grouped([1, 2, 2, 3, 4]))
    print(statistics.mean([F(1, 2), F(1, 3)]), statistics.mean([D("0.5"), D("0.75")]), statistics.correlation([1, 2, 3], [2, 4, 7]), statistics.linear_regression([1, 2, 3], [2, 4, 6.5]))
    normal = statistics.NormalDist(100, 15)
    print(normal.cdf(115), normal.inv_cdf(.975), normal.pdf(100), normal + 5, normal.overlap(statistics.NormalDist(110, 10)), normal.zscore(130), attempt(lambda: statistics.mean([])))
    source = random.Random(2026)
    print([source.random() for _ in range(3)], source.randint(1, 10 ** 30), source.sample(range(100), 5), source.choices("abc", [5, 1, 1], k=10), source.gauss(0, 1), source.shuffle([1]))
    items = list(range(10))
    source.shuffle(items)
    print(items, source.uniform(1, 2), source.betavariate(1, 2), source.triangular(), source.getrandbits(70), random.Random("text").random(), random.Random(b"x").randbytes(4), source.expovariate(2))


def big():
    a, b = 3 ** 500 - 1, 7 ** 333 + 12345
    print(a * b % 10 ** 40, a // b, divmod(-a, b)[1] % 997, pow(a, b, 10 ** 20 + 39), pow(3, -1, 1000007), math.gcd(a, 2 ** 100 * 26), math.isqrt(a), a.bit_count(), hex(a)[:30], a >> 700, a & b & 0xFFFF, a ^ -b > 0)
    print(len(str(math.factorial(1500))), math.comb(200, 77), math.perm(30, 12), math.lcm(*range(1, 60)), int("zz" * 20, 36), int("0b1010", 0), f"{a:_x}"[-20:], f"{10 ** 25:,}", -7 // 2, -7 % -3, (-8) ** (1 / 3))
    print(int.from_bytes(b.to_bytes(130, "little", signed=True), "little") == b, (2 ** 64 - 1).to_bytes(8, "big"), float(2 ** 1000), attempt(lambda: float(2 ** 2000)), attempt(lambda: str(10 ** 5000)), attempt(lambda: 1 << -1), 2 ** -3, round(123456, -3), round(25, -1))
    x = y = 1
    for n in range(2000):
        x, y = y, x + y
    print(x % 10 ** 50, sum(map(int, str(x))), x.bit_length(), math.log2(x), math.log10(10 ** 400), sum(int(d) for d in str(2 ** 3000)))
    pi, unit = 0, 10 ** 220
    for k in range(330):
        pi += (4 * unit // (8 * k + 1) - 2 * unit // (8 * k + 4) - unit // (8 * k + 5) - unit // (8 * k + 6)) // 16 ** k
    print(str(pi)[:200], math.prod(range(1, 30, 2)), math.fsum([.1] * 10), math.nextafter(1, 2), math.ulp(1e300), math.remainder(7, 4), math.dist((1, 2), (4, 6)), 0.1 + 0.2, 1e23, 2.5e-8, float.fromhex("0x1.8p3"), (0.1).hex(), (2.5).as_integer_ratio())


for part in (decimals, rationals, statistical, big):
    print("--", part.__name__)
    part()
