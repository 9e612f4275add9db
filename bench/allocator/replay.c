/* Replays a trace (trace.h) against one allocator, which is chosen when this is compiled: -DREPLAY_KRAIT (with src/heap),
 * -DREPLAY_MIMALLOC, or neither for the C library's malloc.
 *
 * Usage: replay TRACE ROUNDS
 *
 * Each round performs the trace's operations and then frees what is left. A block is touched as a program touches it: the
 * first and the last word when it is new or resized and one word of each page in between, the first word before it is freed.
 * Prints nanoseconds of processor time an operation (the mean of all rounds), the peak of resident memory in the first round
 * beyond what was resident before, in bytes, and the number of operations in a round. */
#include <Python.h>

#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#if defined(REPLAY_KRAIT)
#include "heap/heap.h"

/* What the debug hooks of the heap call; nothing here uses them. */
_Noreturn void _Py_FatalErrorFunc(const char *function, const char *message) { abort(); }
int PyGILState_Check(void) { return 1; }
int PyOS_snprintf(char *buffer, size_t size, const char *format, ...) { abort(); }

static inline void *collected_alloc(size_t size) {
    if (size <= KR_SMALL_LIMIT) {
        void *slot = kr_pool_take(kr_heap.collected[kr_size_class(size)]);
        if (__builtin_expect(slot != NULL, 1)) return slot;
    }
    return kr_heap_alloc_collected_slow(size);
}

static inline void *allocate(unsigned kind, size_t size) {
    if (kind == TRACE_COLLECTED) return collected_alloc(size);
    return kind == TRACE_MEM ? PyMem_Malloc(size) : kr_heap_alloc(size);
}

static inline void *resize(unsigned kind, void *block, size_t size) {
    return kind == TRACE_RESIZE_MEM ? PyMem_Realloc(block, size) : PyObject_Realloc(block, size);
}

/* `kind` is that of the allocation. */
static inline void release(unsigned kind, void *block) {
    if (kind == TRACE_COLLECTED) {
        if (kr_heap_owner(block) & KR_OWNER_COLLECTED) {
            *kr_pool_flag(block) = 0;
            kr_pool_give(kr_pool_of(block), block);
        } else {
            kr_heap_free_collected_slow(block);
        }
    } else if (kind == TRACE_MEM) {
        PyMem_Free(block);
    } else {
        kr_heap_free(block);
    }
}

#else
#if defined(REPLAY_MIMALLOC)
#include <mimalloc.h>
#define malloc mi_malloc
#define realloc mi_realloc
#define free mi_free
#endif

static inline void *allocate(unsigned kind, size_t size) { return malloc(size == 0 ? 1 : size); }
static inline void *resize(unsigned kind, void *block, size_t size) { return realloc(block, size == 0 ? 1 : size); }
static inline void release(unsigned kind, void *block) { free(block); }
#endif

enum { PAGE = 4096, WORD = sizeof(uint64_t) };

typedef struct {
    uint8_t *block;
    uint32_t kind;
} Slot;

static void *map(size_t size, int file) {
    int flags = MAP_PRIVATE | MAP_POPULATE | (file < 0 ? MAP_ANONYMOUS : 0);
    void *memory = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

/* Returns a number of bytes from /proc/self/status. */
static size_t status(const char *name) {
    static char text[8192];
    int file = open("/proc/self/status", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    const char *line = strstr(text, name);
    return line == NULL ? 0 : strtoul(line + strlen(name), NULL, 10) * 1024;
}

static inline void touch(uint8_t *block, size_t size) {
    if (__builtin_expect(block == NULL, 0)) abort();
    if (size < WORD) {
        if (size > 0) *block = 1;
        return;
    }
    for (size_t at = 0; at < size - WORD; at += PAGE) *(uint64_t *)(block + at) = 1;
    uint64_t last = size;
    memcpy(block + size - WORD, &last, WORD);
}

static uint32_t sink;

static inline void discard(Slot *slot) {
    sink += *slot->block;
    release(slot->kind, slot->block);
}

static void replay(const uint32_t *word, const uint32_t *end, Slot *slots, size_t slot_count) {
    while (word < end) {
        unsigned kind = *word % TRACE_KINDS;
        Slot *slot = &slots[*word++ >> TRACE_SHIFT];
        if (kind == TRACE_FREE) {
            discard(slot);
            slot->block = NULL;
            continue;
        }
        size_t size = *word++;
        if (kind >= TRACE_RESIZE_OBJECT) {
            slot->block = resize(kind, slot->block, size);
        } else {
            slot->block = allocate(kind, size);
            slot->kind = kind;
        }
        touch(slot->block, size);
    }
    for (size_t i = 0; i < slot_count; i++) {
        if (slots[i].block == NULL) continue;
        discard(&slots[i]);
        slots[i].block = NULL;
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int file = open(arguments[1], O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about) < 0) {
        perror(arguments[1]);
        return 1;
    }
    const uint32_t *word = map((size_t)about.st_size, file), *end = word + (size_t)about.st_size / sizeof *word;
    size_t operations = 0, slot_count = 0, live = 0;
    for (const uint32_t *at = word; at < end; operations++) {
        unsigned kind = *at % TRACE_KINDS;
        size_t slot = *at >> TRACE_SHIFT;
        if (slot >= slot_count) slot_count = slot + 1;
        if (kind == TRACE_FREE) live--;
        if (kind >= TRACE_OBJECT && kind <= TRACE_MEM) live++;
        at += kind == TRACE_FREE ? 1 : 2;
    }
    operations += live; /* freed at the end */
    Slot *slots = map(slot_count * sizeof *slots, -1);
    int rounds = atoi(arguments[2]);
    size_t before = status("VmRSS:");
    double start = seconds();
    replay(word, end, slots, slot_count);
    double first = seconds() - start;
    size_t peak = status("VmHWM:") - before;
    start = seconds();
    for (int i = 1; i < rounds; i++) replay(word, end, slots, slot_count);
    double all = first + seconds() - start;
    printf("%.3f %zu %zu\n", all * 1e9 / (double)operations / rounds, peak, operations);
    return sink == 1; /* practically never, but the compiler does not know */
}
