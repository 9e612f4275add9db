/* The options that matter before the command line can be decoded. It is parsed into memory that the allocator provides which
 * -X dev helps to choose, and decoded as -X utf8 says; so this looks at the few arguments that matter where they are. */
#include <Python.h>

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

static KrEarlyOptions options = {.use_environment = 1, .utf8_mode = -1};

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
            if (option == 'E' || option == 'I') options.use_environment = 0;
            if (option != 'W' && option != 'X') continue;
            size_t start = at + 1;
            if (character(arguments, i, start) == '\0') { /* the value is the next argument */
                if (++i >= arguments->count) return;
                start = 0;
            }
            if (option == 'X') {
                if (is_text(arguments, i, start, "dev") || is_text(arguments, i, start, "dev=1")) options.dev_mode = 1;
                int on = is_text(arguments, i, start, "utf8") || is_text(arguments, i, start, "utf8=1");
                if (options.utf8_mode < 0 && (on || is_text(arguments, i, start, "utf8=0"))) options.utf8_mode = on;
            }
            break;
        }
    }
}

const KrEarlyOptions *kr_early_options_scan(int argc, char **bytes, wchar_t **wide) {
    scan(&(Arguments){argc, bytes, wide});
    return &options;
}

const KrEarlyOptions *kr_early_options(void) { return &options; }
