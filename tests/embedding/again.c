/* Interpreters one after another in one process: each works, and the memory stays level. */
#include <Python.h>

#include <stdlib.h>

static const char program[] =
    "import sys, asyncio, collections, contextvars, dataclasses, datetime, enum, functools, gc, io, itertools, json, logging\n"
    "import pickle, random, re, socket, struct, threading, time, typing, unicodedata, weakref, xml.etree.ElementTree as trees, zlib\n"
    "class Node:\n"
    "    def __init__(self): self.me = self\n"
    "    def __del__(self): pass\n"
    "sys.kept = nodes = [Node() for _ in range(1000)]\n"
    "thread = threading.Thread(target=nodes.append, args=(None,)); thread.start(); thread.join()\n"
    "async def five():\n"
    "    await asyncio.sleep(0)\n"
    "    return 5\n"
    "assert asyncio.run(five()) == 5\n"
    "assert json.loads(json.dumps({'a': [1, 2.5, None]})) == {'a': [1, 2.5, None]}\n"
    "assert pickle.loads(pickle.dumps(datetime.date(2023, 2, 7))).year == 2023\n"
    "assert re.sub('a+', 'b', 'caat') == 'cbt'\n"
    "@dataclasses.dataclass\n"
    "class Point:\n"
    "    x: int = 1\n"
    "class Colour(enum.Enum):\n"
    "    RED = 1\n"
    "assert trees.fromstring('<a><b/></a>')[0].tag == 'b'\n"
    "assert Point().x == Colour.RED.value\n"
    "def generator():\n"
    "    try: yield 1\n"
    "    finally: pass\n"
    "suspended = generator(); next(suspended)\n";

/* Resident memory of the process in bytes. */
static size_t in_use(void) {
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &total, &resident) != 2) abort();
    fclose(file);
    return resident * 4096;
}

int main(void) {
    enum { ROUNDS = 12, WARM = 3 };
#ifdef __SANITIZE_ADDRESS__
    size_t most_growth = (size_t)-1 >> 1; /* it keeps what is freed for a while */
#else
    size_t most_growth = 1 << 20;
#endif
    size_t early = 0;
    for (int i = 0; i < ROUNDS; i++) {
        Py_Initialize();
        PyThreadState *main_state = PyThreadState_Get(), *sub = Py_NewInterpreter();
        if (sub == NULL || PyRun_SimpleString("import json; json.dumps([1])") != 0) return 1;
        Py_EndInterpreter(sub);
        PyThreadState_Swap(main_state);
        if (PyRun_SimpleString(program) != 0 || Py_FinalizeEx() < 0) {
            printf("round %d fails\n", i);
            return 1;
        }
        if (i == WARM) early = in_use();
    }
    size_t late = in_use();
    if (late > early + most_growth) printf("grew from %zu to %zu bytes\n", early, late);
    printf("done\n");
    return 0;
}
