r"""\N{...} needs the module unicodedata: literals, the codec unicode_escape and the handler namereplace import it."""
import sys

attempts = {
    'literal': lambda: eval(r"'\N{SOFT HYPHEN}'"),
    'f-string': lambda: eval(r"f'\N{SOFT HYPHEN}{1}'"),
    'bytes': lambda: eval(r"b'\N{SOFT HYPHEN}'"),
    'decode': lambda: rb'\N{SOFT HYPHEN}'.decode('unicode_escape'),
    'replace': lambda: rb'\N{SOFT HYPHEN}'.decode('unicode_escape', 'replace'),
    'unfinished': lambda: rb'\N{'.decode('unicode_escape', 'replace'),
    'namereplace': lambda: '\xe9'.encode('ascii', 'namereplace'),
}
print('unicodedata' in sys.modules)
for module in None, 5, type(sys)('unicodedata'):
    sys.modules['unicodedata'] = module
    for name, attempt in attempts.items():
        try:
            print(name, ascii(attempt()))
        except Exception as error:
            print(name, type(error).__name__, error, repr(error.__cause__), repr(error.__context__))
del sys.modules['unicodedata']
for name, attempt in attempts.items():
    try:
        print(name, ascii(attempt()), 'unicodedata' in sys.modules)
    except Exception as error:
        print(name, type(error).__name__, error)
sys.modules['unicodedata'] = None
print(ascii(attempts['literal']()), attempts['namereplace']())
