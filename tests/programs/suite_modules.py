# timeout: 120
# The driver of CPython's own suite runs some of its modules: all of them pass.
import re
import subprocess
import sys

# test_splittable_popitem compares sizes that depend on how an interpreter lays dictionaries out.
process = subprocess.run([sys.executable, "-m", "test", "-i", "test_splittable_popitem", "test_grammar", "test_list", "test_dict",
                          "test_generators"], capture_output=True, text=True, timeout=110)
for line in process.stdout.splitlines():
    if re.match(r"\[|\d+:\d\d|Total duration|==.*(CPython|Linux|cwd|encodings|CPU)", line):
        line = re.sub(r"^\S+ (load avg: \S+ )?", "", line) if "[" in line else ""
    if line.strip():
        print(line)
print(process.stderr, process.returncode)
