"""Compile the modules that every start imports and write them as a C table.

Usage: krait-bootstrap freeze.py OUTPUT.c

The sources are those of the installed standard library; the executable that runs this script compiles them, so the
table always fits the bytecode of the build at hand.
"""
import marshal
import sys

LIBRARY = sys._stdlib_dir

# (name in the table, file below the library, is it a package)
MODULES = [
    ("_frozen_importlib", "importlib/_bootstrap.py", False),
    ("_frozen_importlib_external", "importlib/_bootstrap_external.py", False),
    ("zipimport", "zipimport.py", False),
    ("abc", "abc.py", False),
    ("codecs", "codecs.py", False),
    ("io", "io.py", False),
    ("_collections_abc", "_collections_abc.py", False),
    ("_sitebuiltins", "_sitebuiltins.py", False),
    ("genericpath", "genericpath.py", False),
    ("ntpath", "ntpath.py", False),
    ("posixpath", "posixpath.py", False),
    ("os", "os.py", False),
    ("site", "site.py", False),
    ("stat", "stat.py", False),
    ("importlib.util", "importlib/util.py", False),
    ("importlib.machinery", "importlib/machinery.py", False),
    ("runpy", "runpy.py", False),
    ("encodings", "encodings/__init__.py", True),
    ("encodings.aliases", "encodings/aliases.py", False),
    ("encodings.utf_8", "encodings/utf_8.py", False),
    # What importlib's tests import; the library has no source for some of them.
    ("__hello__", "__hello__.py", False),
    ("__hello_alias__", "__hello__.py", False),
    ("__phello_alias__", "__hello__.py", True),
    ("__phello_alias__.spam", "__hello__.py", False),
    ("__phello__", "__phello__/__init__.py", True),
    ("__phello__.__init__", "__phello__/__init__.py", False),
    ("__phello__.ham", None, True),
    ("__phello__.ham.__init__", None, False),
    ("__phello__.ham.eggs", None, False),
    ("__phello__.spam", "__phello__/spam.py", False),
    ("__hello_only__", "__hello__.py", False),
]

# Names by which importlib knows the bootstrap modules in tracebacks.
SHOWN = {"_frozen_importlib": "importlib._bootstrap", "_frozen_importlib_external": "importlib._bootstrap_external"}


def main(output):
    lines = [
        "/* Frozen modules: made by tools/freeze.py from the installed standard library. */",
        "#include <Python.h>",
        "",
        '#include "import/import.h"',
        "",
    ]
    entries = []
    for name, path, is_package in MODULES:
        try:
            source = b""
            if path is not None:
                with open(f"{LIBRARY}/{path}", "rb") as stream:
                    source = stream.read()
        except FileNotFoundError as error:
            raise SystemExit(f"{error.filename} is missing: install the packages libpython3.11-minimal and "
                             "libpython3.11-stdlib")
        code = compile(source, f"<frozen {SHOWN.get(name, name)}>", "exec", dont_inherit=True, optimize=0)
        data = marshal.dumps(code)
        identifier = "frozen_" + name.replace(".", "_")
        lines.append(f"static const unsigned char {identifier}[] = {{")
        lines.extend("    " + ",".join(map(str, data[i:i + 32])) + "," for i in range(0, len(data), 32))
        lines.append("};")
        lines.append("")
        entries.append(f'    {{"{name}", {identifier}, sizeof {identifier}, {int(is_package)}, NULL}},')
    lines.append("const struct _frozen kr_frozen_modules[] = {")
    lines.extend(entries)
    lines += ["    {0},", "};", ""]
    with open(output, "w") as stream:
        stream.write("\n".join(lines))


main(sys.argv[1])
