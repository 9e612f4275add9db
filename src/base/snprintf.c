/* PyOS_snprintf: formatting into a buffer that always ends up null-terminated. */
#include <Python.h>
#include <stdarg.h>
#include <stdio.h>

/* Sizes at or beyond this are taken for negative numbers gone astray. */
#define LARGEST_SIZE ((size_t)INT_MAX)

int PyOS_vsnprintf(char *str, size_t size, const char *format, va_list va) {
    if (size == 0) return -1;
    if (size > LARGEST_SIZE) {
        str[0] = '\0';
        return -666; /* what CPython returns for a size that cannot be */
    }
    int length = vsnprintf(str, size, format, va);
    str[size - 1] = '\0';
    return length;
}

int PyOS_snprintf(char *str, size_t size, const char *format, ...) {
    va_list va;
    va_start(va, format);
    int length = PyOS_vsnprintf(str, size, format, va);
    va_end(va);
    return length;
}
