/* Which allocators the interpreter uses: PYTHONMALLOC, -X dev, and the limit of the heap. */
#include <Python.h>

#include "heap/heap.h"
#include "runtime/config.h"

static int started;

PyStatus kr_allocators_start(int argc, char **bytes, wchar_t **wide) {
    if (started) return PyStatus_Ok();
    started = 1;
    const KrEarlyOptions *options = kr_early_options_scan(argc, bytes, wide);
    const char *name = options->use_environment ? getenv("PYTHONMALLOC") : NULL;
    const char *dev = options->use_environment ? getenv("PYTHONDEVMODE") : NULL;
    PyMemAllocatorName allocator = PYMEM_ALLOCATOR_NOT_SET;
    if (name != NULL && *name != '\0') {
        if (_PyMem_GetAllocatorName(name, &allocator) < 0) {
            PyStatus status = PyStatus_Error("PYTHONMALLOC: unknown allocator");
            status.func = "preconfig_init_allocator";
            return status;
        }
    } else if (options->dev_mode || (dev != NULL && *dev != '\0')) {
        allocator = PYMEM_ALLOCATOR_DEBUG;
    }
    kr_pre_config()->allocator = allocator;
    _PyMem_SetupAllocators(allocator);
    return PyStatus_Ok();
}

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
