# unittest and doctest runs: results of every kind, subtests, fixtures, mocks, skips; times are normalised.
import asyncio
import doctest
import io
import re
import sys
import unittest
from unittest import mock


def average(values):
    """The mean.

    >>> average([1, 2, 3])
    2.0
    >>> average([])
    Traceback (most recent call last):
        ...
    ZeroDivisionError: division by zero
    >>> average(range(5)) # doctest: +ELLIPSIS
    2...
    >>> for n in [1, 2]:
    ...     print(n,
    ...           average([n]))
    1 1.0
    2 2.0
    >>> {'b': 1, 'a': [1,   2]} # doctest: +NORMALIZE_WHITESPACE
    {'b': 1,
     'a': [1, 2]}
    >>> average([1])
    2.0
    >>> average('x')
    1
    >>> print('a\\n\\nb')
    a
    <BLANKLINE>
    b
    >>> nothing # doctest: +SKIP
    """
    return sum(values) / len(values)


class Outcomes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = ["class"]
        cls.addClassCleanup(cls.log.append, "class cleanup")

    def setUp(self):
        self.addCleanup(self.log.append, "cleanup")

    def test_pass(self):
        """Passes, with a description."""
        self.assertEqual(1, 1)
        self.assertAlmostEqual(0.1 + 0.2, 0.3)
        self.assertCountEqual([1, 2, 2], [2, 1, 2])
        with self.assertRaisesRegex(ValueError, "invalid literal") as caught:
            int("x")
        self.assertIn("'x'", str(caught.exception))
        with self.assertWarns(DeprecationWarning), self.assertLogs("app", "INFO") as logs:
            import logging
            import warnings
            logging.getLogger("app").warning("careful")
            warnings.warn("old", DeprecationWarning)
        self.assertEqual(logs.output, ["WARNING:app:careful"])

    def test_list_difference(self):
        self.assertEqual([1, 2, 3, [4]], [1, 2, 5, [4], 6])

    def test_dict_difference(self):
        self.assertDictEqual({"a": 1, "b": [1] * 3}, {"a": 1, "b": [1, 2, 1], "c": None}, "with a message")

    def test_text_difference(self):
        self.assertMultiLineEqual("one\ntwo\nthree\n", "one\ntoo\nthree\nfour\n")

    def test_sets(self):
        self.assertEqual({1, 2}, {2, 3})

    def test_error(self):
        {}["missing"]

    def test_subtests(self):
        for number in range(4):
            with self.subTest("even", number=number):
                self.assertEqual(number % 2, 0)

    @unittest.skip("not today")
    def test_skipped(self):
        self.fail()

    @unittest.skipIf(sys.version_info >= (3, 0), "modern")
    def test_skipped_if(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.assertTrue(False)

    @unittest.expectedFailure
    def test_unexpected(self):
        self.assertTrue(True)

    def test_skip_inside(self):
        raise unittest.SkipTest("inside")

    def test_others(self):
        for call in (lambda: self.assertIs(1, 2), lambda: self.assertIsNone(0), lambda: self.assertGreater(1, 2), lambda: self.assertIn(1, []),
                     lambda: self.assertIsInstance(1, str), lambda: self.assertRegex("a", "b"), lambda: self.assertRaises(ValueError, int, "1"),
                     lambda: self.assertNotEqual(1, 1), lambda: self.assertTupleEqual((1,), (2,)), lambda: self.assertAlmostEqual(1, 2, places=3),
                     lambda: self.assertFalse([1]), lambda: self.assertLessEqual(3, 2, "message")):
            with self.assertRaises(self.failureException) as caught:
                call()
            print(str(caught.exception).replace("\n", "|"))


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("class fixture")

    def test_never(self):
        pass


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.value = await asyncio.sleep(0, "ready")

    async def test_value(self):
        self.assertEqual(self.value, "ready")

    async def test_failure(self):
        await asyncio.sleep(0)
        self.assertEqual(self.value, "other")


class Mocks(unittest.TestCase):
    def test_calls(self):
        service = mock.Mock(spec=["fetch", "size"])
        service.fetch.side_effect = [1, ValueError("second"), mock.DEFAULT]
        service.fetch.return_value = "default"
        self.assertEqual(service.fetch("a", key=1), 1)
        with self.assertRaises(ValueError):
            service.fetch()
        self.assertEqual(service.fetch(2), "default")
        print(service.mock_calls, service.fetch.call_count, service.fetch.call_args)
        for call in (lambda: service.fetch.assert_called_once(), lambda: service.fetch.assert_called_with(3), lambda: service.nothing, lambda: service.size.assert_called()):
            try:
                call()
            except (AssertionError, AttributeError) as error:
                print(type(error).__name__, str(error).replace("\n", "|"))
        magic = mock.MagicMock()
        magic.__len__.return_value = 5
        magic.__getitem__.side_effect = lambda key: key * 2
        print(len(magic), magic["x"], magic.a.b.c() is magic.a.b.c(), bool(magic), list(magic))
        with mock.patch("builtins.ascii", return_value=99), mock.patch.dict("os.environ", {"MOCKED": "1"}):
            import os
            self.assertEqual((ascii(5), os.environ["MOCKED"]), (99, "1"))

    @mock.patch.object(sys, "maxsize", 5)
    @mock.patch("sys.version", new="mocked")
    def test_patch(self):
        self.assertEqual((sys.maxsize, sys.version), (5, "mocked"))


def normal(text):
    text = re.sub(r"in \d+\.\d+s", "in <time>", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0x", text)


for verbosity in (1, 2):
    stream = io.StringIO()
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in (Outcomes, Broken, Asynchronous, Mocks))
    result = unittest.TextTestRunner(stream, verbosity=verbosity, failfast=False).run(suite)
    print(normal(stream.getvalue()))
    print(result, suite.countTestCases(), result.wasSuccessful(), [len(part) for part in (result.failures, result.errors, result.skipped)], Outcomes.log[:3])
output = io.StringIO()
old, sys.stdout = sys.stdout, output
results = doctest.testmod(verbose=True)
sys.stdout = old
print(normal(output.getvalue()))
print(results, doctest.script_from_examples(">>> 1 + 1\n2\ntext\n"))
program = unittest.main(argv=["prog", "-v", "Mocks.test_patch", "Outcomes.test_expected"], exit=False, testRunner=unittest.TextTestRunner(io.StringIO()))
print(program.result.testsRun, program.verbosity)
unittest.main(argv=["prog", "Outcomes.test_error", "Nowhere.test"], testRunner=unittest.TextTestRunner(io.StringIO()))
