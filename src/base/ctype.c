/* Character classes of ASCII bytes, independent of the C locale (pyctype.h), and case-blind comparison (pystrcmp.h). */
#include <Python.h>

#define LOWER (PY_CTF_LOWER)
#define UPPER (PY_CTF_UPPER)

const unsigned int _Py_ctype_table[256] = {
    ['\t'... '\r'] = PY_CTF_SPACE,
    [' '] = PY_CTF_SPACE,
    ['0'... '9'] = PY_CTF_DIGIT | PY_CTF_XDIGIT,
    ['A'... 'F'] = UPPER | PY_CTF_XDIGIT,
    ['G'... 'Z'] = UPPER,
    ['a'... 'f'] = LOWER | PY_CTF_XDIGIT,
    ['g'... 'z'] = LOWER,
};

/* The two case maps: sixteen bytes a line, each the byte's own value but for the letters. */
#define SAME4(c) (c), (c) + 1, (c) + 2, (c) + 3
#define SAME16(c) SAME4(c), SAME4((c) + 4), SAME4((c) + 8), SAME4((c) + 12)
#define SAME64(c) SAME16(c), SAME16((c) + 16), SAME16((c) + 32), SAME16((c) + 48)
#define LETTERS(a) SAME16(a), SAME4((a) + 16), SAME4((a) + 20), (a) + 24, (a) + 25

const unsigned char _Py_ctype_tolower[256] = {
    SAME64(0), '@', LETTERS('a'), SAME4('['), '_', '`', LETTERS('a'), SAME4('{'), 127, SAME64(128), SAME64(192),
};

const unsigned char _Py_ctype_toupper[256] = {
    SAME64(0), '@', LETTERS('A'), SAME4('['), '_', '`', LETTERS('A'), SAME4('{'), 127, SAME64(128), SAME64(192),
};

/* str.isspace() for the first 128 characters: it also counts the four separators 0x1c-0x1f. */
const unsigned char _Py_ascii_whitespace[128] = {['\t'... '\r'] = 1, [0x1c ... 0x1f] = 1, [' '] = 1};

int PyOS_mystrnicmp(const char *left, const char *right, Py_ssize_t size) {
    for (Py_ssize_t i = 0; i < size; i++) {
        int a = Py_TOLOWER(left[i]), b = Py_TOLOWER(right[i]);
        if (a != b || a == 0) return a - b;
    }
    return 0;
}

int PyOS_mystricmp(const char *left, const char *right) {
    return PyOS_mystrnicmp(left, right, PY_SSIZE_T_MAX);
}
