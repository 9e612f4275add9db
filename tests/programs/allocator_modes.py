"""The same program under every allocator that PYTHONMALLOC names, and what the statistics say."""
import os
import subprocess
import sys

PROGRAM = r'''
import copy, gc, json, pickle, re, sys, weakref

class Node:
    def __init__(self, *children):
        self.children = list(children)

def tree(depth):
    return Node(tree(depth - 1), tree(depth - 1)) if depth else Node()

root = tree(9)
root.children.append(root)
alive = weakref.ref(root)
twin = copy.deepcopy(root)
del root
found = gc.collect()
print(found > 1000, alive(), len(twin.children))
data = {"words": re.findall(r"\w+", "to be or not to be " * 500), "numbers": [3 ** n for n in range(300)]}
print(pickle.loads(pickle.dumps(data)) == data == json.loads(json.dumps(data)))
text = bytearray()
for n in range(3000):
    text += b"%d," % n
print(len(text), sum(text), len(bytes(5_000_000)))
blocks = sys.getallocatedblocks()
kept = [object() for n in range(5000)]
print(sys.getallocatedblocks() - blocks >= 5000)
'''


def run(*options, program=PROGRAM, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True,
                             env={**environment, **variables})
    return process.returncode, process.stdout, process.stderr


for mode in "default", "debug", "pymalloc", "pymalloc_debug", "malloc", "malloc_debug":
    code, output, errors = run(PYTHONMALLOC=mode)
    print(mode, code, output.split(), errors)
print(run("-X", "dev") == run(PYTHONMALLOC="debug"), run("-E", PYTHONMALLOC="none")[0])
code, output, errors = run(PYTHONMALLOC="none")
print(code, repr(output), errors.splitlines()[0])

# A report for each arena and one at the end; none without pools.
many = "kept = [str(n) for n in range(100_000)]"
print(run(program=many, PYTHONMALLOCSTATS="1", PYTHONMALLOC="pymalloc")[2].count("# arenas allocated current") > 5)
print(run(program=many, PYTHONMALLOCSTATS="1", PYTHONMALLOC="malloc")[2])
print("PyFloatObject" in run(program="import sys; sys._debugmallocstats()")[2])
