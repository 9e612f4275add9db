/* Bounded printing (PyOS_snprintf): the result is always terminated. */
#include <Python.h>

#include <stdarg.h>

int PyOS_vsnprintf(char *text, size_t size, const char *format, va_list args) {
    int length;
    if (size > INT_MAX - 512)
        length = -666; /* documented: a size that is too large */
    else
        length = vsnprintf(text, size, format, args);
    if (size > 0) text[size - 1] = 0;
    return length;
}

int PyOS_snprintf(char *text, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = PyOS_vsnprintf(text, size, format, args);
    va_end(args);
    return length;
}
