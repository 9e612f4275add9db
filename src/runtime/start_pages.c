/* The pages that only start-up needs.
 *
 * The linker lays the functions and constants that every start touches side by side (tools/start_order.ld): they come in
 * with a few page faults. Once the main program has been compiled, most of them are of no more use: the frozen modules' code
 * above all, which has been turned into objects. Their pages are given back; what is needed again is read from the file again.
 */
#include <Python.h>

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/lifecycle.h"

/* Where the linker put them; all 0 in a build that was linked without the list. */
extern const char kr_start_text[] __attribute__((weak)), kr_start_text_end[] __attribute__((weak));
extern const char kr_start_data[] __attribute__((weak)), kr_start_data_end[] __attribute__((weak));

static void give_back(const char *begin, const char *end) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)begin + page - 1) & ~(page - 1), last = (uintptr_t)end & ~(page - 1);
    if (first < last) madvise((void *)first, last - first, MADV_DONTNEED); /* advice: nothing depends on its success */
}

void kr_start_pages_release(void) {
    static int released;
    if (released) return;
    released = 1;
    give_back(kr_start_text, kr_start_text_end);
    give_back(kr_start_data, kr_start_data_end);
    malloc_trim(0); /* what the compiler had */
}
