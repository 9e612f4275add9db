/* The program krait. */
#include <Python.h>

#include "heap/heap.h"
#include "runtime/lifecycle.h"

#ifdef KRAIT_SANITIZE
/* Static types keep what they own until the process ends, so leaks are not looked for. A request that cannot be met is to
 * end in MemoryError, also one that the machine would grant on paper only. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=8192"; }

__attribute__((visibility("default"))) const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }
#endif

int main(int argc, char **argv) {
#ifdef KRAIT_DEBUG
    const char *failure = getenv("KRAITFAILALLOCATION");
    if (failure != NULL) kr_heap_fail_as_told(failure);
#endif
    kr_process_ends_with_interpreter();
    return Py_BytesMain(argc, argv);
}
