/* Debug hooks: every block between guard bytes, fresh and freed memory filled, the domain of each block remembered.
 *
 * A block of n bytes is laid out as
 *
 *   8 bytes   n, big-endian
 *   1 byte    the letter of its domain: 'r', 'm' or 'o'
 *   7 bytes   guard
 *   n bytes   the caller's (p points here)
 *   8 bytes   guard
 */
#include <Python.h>

#include "heap/heap.h"

#include <string.h>

enum {
    CLEAN_BYTE = 0xCD, /* fresh memory */
    DEAD_BYTE = 0xDD,  /* freed memory */
    GUARD_BYTE = 0xFD,
    WORD = 8,
    HEAD = 2 * WORD,
    TAIL = WORD,
};

typedef struct {
    char letter;
    PyMemAllocatorEx inner;
} DebugDomain;

static struct {
    DebugDomain domain[3];
} state = {{{'r', {0}}, {'m', {0}}, {'o', {0}}}};

void (*kr_heap_traceback_hook)(const void *block);

static void put_size(uint8_t *at, size_t value) {
    for (int i = WORD - 1; i >= 0; i--, value >>= 8) at[i] = (uint8_t)value;
}

static size_t get_size(const uint8_t *at) {
    size_t value = 0;
    for (int i = 0; i < WORD; i++) value = value << 8 | at[i];
    return value;
}

static int all_guards(const uint8_t *bytes, int count) {
    for (int i = 0; i < count; i++)
        if (bytes[i] != GUARD_BYTE) return 0;
    return 1;
}

static int known_letter(char letter) { return letter == 'r' || letter == 'm' || letter == 'o'; }

/* Describes a block and its guards on stderr. */
static void dump_block(const uint8_t *p) {
    fprintf(stderr, "Debug memory block at address p=%p:", (const void *)p);
    if (p == NULL) {
        fprintf(stderr, "\n");
        return;
    }
    fprintf(stderr, " API '%c'\n", (char)p[-WORD]);
    size_t size = get_size(p - HEAD);
    fprintf(stderr, "    %zu bytes originally requested\n", size);

    fprintf(stderr, "    The %d pad bytes at p-%d are ", WORD - 1, WORD - 1);
    if (all_guards(p - (WORD - 1), WORD - 1)) {
        fputs("FORBIDDENBYTE, as expected.\n", stderr);
    } else {
        fprintf(stderr, "not all FORBIDDENBYTE (0x%02x):\n", GUARD_BYTE);
        for (int i = WORD - 1; i >= 1; i--) {
            uint8_t byte = p[-i];
            fprintf(stderr, "        at p-%d: 0x%02x%s\n", i, byte, byte == GUARD_BYTE ? "" : " *** OUCH");
        }
        fputs("    Because memory is corrupted at the start, the count of bytes requested\n"
              "       may be bogus, and checking the trailing pad bytes may segfault.\n",
              stderr);
    }

    if (!known_letter((char)p[-WORD])) { /* the size would lead anywhere */
        fputs("    The block is not one of the debug hooks, or was freed before.\n\n", stderr);
        fflush(stderr);
        return;
    }

    const uint8_t *tail = p + size;
    fprintf(stderr, "    The %d pad bytes at tail=%p are ", TAIL, (const void *)tail);
    if (all_guards(tail, TAIL)) {
        fputs("FORBIDDENBYTE, as expected.\n", stderr);
    } else {
        fprintf(stderr, "not all FORBIDDENBYTE (0x%02x):\n", GUARD_BYTE);
        for (int i = 0; i < TAIL; i++)
            fprintf(stderr, "        at tail+%d: 0x%02x%s\n", i, tail[i], tail[i] == GUARD_BYTE ? "" : " *** OUCH");
    }

    if (size > 0) {
        const uint8_t *q = p;
        fputs("    Data at p:", stderr);
        for (int i = 0; q < tail && i < 8; i++, q++) fprintf(stderr, " %02x", *q);
        if (q < tail) {
            if (tail - q > 8) {
                fputs(" ...", stderr);
                q = tail - 8;
            }
            for (; q < tail; q++) fprintf(stderr, " %02x", *q);
        }
        fputc('\n', stderr);
    }
    fputc('\n', stderr);
    if (kr_heap_traceback_hook != NULL)
        kr_heap_traceback_hook(p);
    else
        fputs("Enable tracemalloc to get the memory block allocation traceback\n\n", stderr);
    fflush(stderr);
}

/* Ends the process if the block's guards or its domain are not what they should be. */
static void check_block(const char *function, const DebugDomain *domain, const uint8_t *p) {
    if (p == NULL) {
        _Py_FatalErrorFunc(function, "didn't expect a NULL pointer");
    }
    char letter = (char)p[-WORD];
    if (letter != domain->letter) {
        char message[80];
        PyOS_snprintf(message, sizeof(message), "bad ID: Allocated using API '%c', verified using API '%c'", letter,
                      domain->letter);
        dump_block(p);
        _Py_FatalErrorFunc(function, message);
    }
    if (!all_guards(p - (WORD - 1), WORD - 1)) {
        dump_block(p);
        _Py_FatalErrorFunc(function, "bad leading pad byte");
    }
    if (!all_guards(p + get_size(p - HEAD), TAIL)) {
        dump_block(p);
        _Py_FatalErrorFunc(function, "bad trailing pad byte");
    }
}

static void check_lock(const char *function, const DebugDomain *domain) {
    if (domain->letter != 'r' && !PyGILState_Check())
        _Py_FatalErrorFunc(function, "Python memory allocator called without holding the GIL");
}

static void *wrap(const DebugDomain *domain, uint8_t *block, size_t size) {
    put_size(block, size);
    block[WORD] = (uint8_t)domain->letter;
    memset(block + WORD + 1, GUARD_BYTE, WORD - 1);
    memset(block + HEAD + size, GUARD_BYTE, TAIL);
    return block + HEAD;
}

static void *debug_malloc(void *context, size_t size) {
    const DebugDomain *domain = context;
    check_lock("_PyMem_DebugMalloc", domain);
    if (size > (size_t)PY_SSIZE_T_MAX - HEAD - TAIL) return NULL;
    uint8_t *block = domain->inner.malloc(domain->inner.ctx, HEAD + size + TAIL);
    if (block == NULL) return NULL;
    void *p = wrap(domain, block, size);
    memset(p, CLEAN_BYTE, size);
    return p;
}

static void *debug_calloc(void *context, size_t count, size_t size) {
    const DebugDomain *domain = context;
    check_lock("_PyMem_DebugCalloc", domain);
    size_t total = count * size;
    if (total > (size_t)PY_SSIZE_T_MAX - HEAD - TAIL) return NULL;
    uint8_t *block = domain->inner.calloc(domain->inner.ctx, 1, HEAD + total + TAIL);
    return block == NULL ? NULL : wrap(domain, block, total);
}

static void debug_free_named(const char *function, void *context, void *pointer) {
    const DebugDomain *domain = context;
    uint8_t *p = pointer;
    if (p == NULL) return;
    check_block(function, domain, p);
    memset(p - HEAD, DEAD_BYTE, HEAD + get_size(p - HEAD) + TAIL);
    domain->inner.free(domain->inner.ctx, p - HEAD);
}

static void debug_free(void *context, void *pointer) {
    check_lock("_PyMem_DebugFree", context);
    debug_free_named("_PyMem_DebugRawFree", context, pointer);
}

static void *debug_realloc(void *context, void *pointer, size_t size) {
    const DebugDomain *domain = context;
    check_lock("_PyMem_DebugRealloc", domain);
    if (pointer == NULL) return debug_malloc(context, size);
    uint8_t *p = pointer;
    check_block("_PyMem_DebugRawRealloc", domain, p);
    if (size > (size_t)PY_SSIZE_T_MAX - HEAD - TAIL) return NULL;
    size_t old = get_size(p - HEAD);
    uint8_t *block = domain->inner.realloc(domain->inner.ctx, p - HEAD, HEAD + size + TAIL);
    if (block == NULL) return NULL;
    p = wrap(domain, block, size);
    if (size > old) memset(p + old, CLEAN_BYTE, size - old);
    return p;
}

void PyMem_SetupDebugHooks(void) {
    for (int i = 0; i < 3; i++) {
        PyMemAllocatorEx current;
        PyMem_GetAllocator((PyMemAllocatorDomain)i, &current);
        if (current.malloc == debug_malloc) continue;
        state.domain[i].inner = current;
        PyMemAllocatorEx hook = {&state.domain[i], debug_malloc, debug_calloc, debug_realloc, debug_free};
        PyMem_SetAllocator((PyMemAllocatorDomain)i, &hook);
    }
}

int kr_debug_hook_inner(PyMemAllocatorDomain domain, PyMemAllocatorEx *inner) {
    PyMemAllocatorEx current;
    PyMem_GetAllocator(domain, &current);
    if (current.malloc != debug_malloc) return 0;
    *inner = state.domain[domain].inner;
    return 1;
}
