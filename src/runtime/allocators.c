/* Which allocators the interpreter uses: PYTHONMALLOC, -X dev, and the limit of the heap.
 *
 * The allocators are chosen before anything is allocated, so this reads the few arguments that matter itself: the command
 * line proper is parsed into memory that the chosen allocator provides.
 */
#include <Python.h>

#include "heap/heap.h"
#include "runtime/config.h"

/* A command line of bytes or of wide characters; one of the two is NULL. */
typedef struct {
    int count;
    char **bytes;
    wchar_t **wide;
} Arguments;

static int character(const Arguments *arguments, int index, size_t at) {
    return arguments->bytes != NULL ? (unsigned char)arguments->bytes[index][at] : (int)arguments->wide[index][at];
}

/* True if the argument's text from `at` on is `text`. */
static int is_text(const Arguments *arguments, int index, size_t at, const char *text) {
    for (;; at++, text++) {
        if (character(arguments, index, at) != *text) return 0;
        if (*text == '\0') return 1;
    }
}

static struct {
    int started;
    int use_environment; /* 0 for -E and -I */
    int dev_mode;        /* 1 for -X dev */
    int utf8_mode;       /* what -X utf8 says, -1 without it */
} state = {.use_environment = 1, .utf8_mode = -1};

/* Looks for the options that matter before the arguments can be decoded: -E, -I, -X dev, -X utf8. */
static void scan(const Arguments *arguments) {
    for (int i = 1; i < arguments->count; i++) {
        if (character(arguments, i, 0) != '-' || character(arguments, i, 1) == '\0') return;
        if (character(arguments, i, 1) == '-') {
            if (!is_text(arguments, i, 0, "--check-hash-based-pycs")) return;
            i++;
            continue;
        }
        for (size_t at = 1;; at++) {
            int option = character(arguments, i, at);
            if (option == '\0') break;
            if (option == 'c' || option == 'm') return;
            if (option == 'E' || option == 'I') state.use_environment = 0;
            if (option != 'W' && option != 'X') continue;
            size_t start = at + 1;
            if (character(arguments, i, start) == '\0') { /* the value is the next argument */
                if (++i >= arguments->count) return;
                start = 0;
            }
            if (option == 'X') {
                if (is_text(arguments, i, start, "dev") || is_text(arguments, i, start, "dev=1")) state.dev_mode = 1;
                int on = is_text(arguments, i, start, "utf8") || is_text(arguments, i, start, "utf8=1");
                if (state.utf8_mode < 0 && (on || is_text(arguments, i, start, "utf8=0"))) state.utf8_mode = on;
            }
            break;
        }
    }
}

PyStatus kr_allocators_start(int argc, char **bytes, wchar_t **wide) {
    if (state.started) return PyStatus_Ok();
    state.started = 1;
    scan(&(Arguments){argc, bytes, wide});
    const char *name = state.use_environment ? getenv("PYTHONMALLOC") : NULL;
    const char *dev = state.use_environment ? getenv("PYTHONDEVMODE") : NULL;
    PyMemAllocatorName allocator = PYMEM_ALLOCATOR_NOT_SET;
    if (name != NULL && *name != '\0') {
        if (_PyMem_GetAllocatorName(name, &allocator) < 0) {
            PyStatus status = PyStatus_Error("PYTHONMALLOC: unknown allocator");
            status.func = "preconfig_init_allocator";
            return status;
        }
    } else if (state.dev_mode || (dev != NULL && *dev != '\0')) {
        allocator = PYMEM_ALLOCATOR_DEBUG;
    }
    kr_pre_config()->allocator = allocator;
    _PyMem_SetupAllocators(allocator);
    return PyStatus_Ok();
}

int kr_arguments_utf8_mode(void) { return state.utf8_mode; }

/* Reads a number of bytes with a suffix K, M or G. Returns 0 if that is not what the text is. */
static size_t parse_size(const char *text) {
    static const char suffixes[] = "kmg";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *text == '-' || errno != 0) return 0;
    if (*end != '\0') {
        const char *suffix = strchr(suffixes, Py_TOLOWER(*end));
        if (suffix == NULL || end[1] != '\0') return 0;
        int shift = 10 * (int)(suffix - suffixes + 1);
        if (value > SIZE_MAX >> shift) return 0;
        value <<= shift;
    }
    return (size_t)value;
}

PyStatus kr_heap_limit_start(const PyConfig *config) {
    const wchar_t *option = kr_config_xoption(config, L"maxheap");
    const char *text = kr_config_getenv(config, "KRAITMAXHEAP");
    char buffer[32] = "";
    if (option != NULL) {
        const wchar_t *value = wcschr(option, '=');
        for (size_t i = 0; value != NULL && value[i + 1] != 0 && i + 1 < sizeof buffer; i++)
            buffer[i] = value[i + 1] < 128 ? (char)value[i + 1] : '?';
        text = buffer;
    }
    if (text == NULL) return PyStatus_Ok();
    size_t limit = parse_size(text);
    if (limit == 0) {
        PyStatus status = PyStatus_Error(option != NULL ? "-X maxheap: expected a number of bytes, such as 500M"
                                                        : "KRAITMAXHEAP: expected a number of bytes, such as 500M");
        status.func = "config_init_maxheap";
        return status;
    }
    kr_heap_set_limit(limit);
    return PyStatus_Ok();
}
