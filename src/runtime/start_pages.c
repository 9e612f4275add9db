/* The executable's pages that only start-up needs.
 *
 * The linker lays the functions and constants that runs touch side by side, by phase (tools/start_order.ld), so that they come in
 * with a few page faults. Once the main program has been compiled, most of those of start-up are of no more use: the frozen
 * modules' code above all, which has been turned into objects. All pages of text and constants are given back then; what is
 * needed again comes back from the kernel's cache of the file, 64 KB at a time. A debugger's breakpoints in them are lost,
 * which is why the debug build keeps them.
 */
#include <Python.h>

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/lifecycle.h"

/* The list's place in the executable; all 0 in a build that was linked without it. */
extern const char kr_start_text[] __attribute__((weak)), kr_start_data_end[] __attribute__((weak));

enum { AROUND = 1 << 16 }; /* bytes that the kernel maps around a page that is touched */

void kr_start_pages_release(void) {
    static int released;
    if (released) return;
    released = 1;
#ifndef KRAIT_DEBUG
    if (kr_start_text != NULL) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = ((uintptr_t)kr_start_text + page - 1) & ~(page - 1);
        uintptr_t last = ((uintptr_t)kr_start_data_end + AROUND) & ~(page - 1); /* unwind tables follow, which nothing reads */
        madvise((void *)first, last - first, MADV_DONTNEED);                   /* advice: nothing depends on its success */
    }
#endif
    malloc_trim(0); /* what the compiler had */
}
