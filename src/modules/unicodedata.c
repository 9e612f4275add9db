/* The `unicodedata` module: the Unicode Character Database, version 14.0, and what version 3.2 said differently.
 *
 * Every function exists twice: in the module, for the current version, and as a method of `ucd_3_2_0`.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include "base/unicode_names.h"
#include "base/unicode_tables.h"

/* ---- the database objects ---- */

typedef struct {
    PyObject_HEAD
    const char *version;
} Database;

static PyTypeObject database_type;

/* True for the methods of ucd_3_2_0, false for the functions of the module. */
static inline int is_old(PyObject *self) { return Py_IS_TYPE(self, &database_type); }

/* How Unicode 3.2 differed; the first record says "not at all". */
static inline const KrUnicodeChange *change_of(Py_UCS4 ch) {
    return &kr_unicode_changes[kr_unicode_property(ch)->change];
}

/* True if the database does not know the character (although the tables may). */
static inline int is_unknown(PyObject *self, Py_UCS4 ch) { return is_old(self) && change_of(ch)->category == 0; }

/* ---- arguments ---- */

/* Reads a one-character string. Returns 0, or -1 with TypeError. */
static int character_argument(const char *function, const char *which, PyObject *argument, Py_UCS4 *ch) {
    if (PyUnicode_Check(argument)) {
        if (PyUnicode_READY(argument) < 0) return -1;
        if (PyUnicode_GET_LENGTH(argument) == 1) {
            *ch = PyUnicode_READ_CHAR(argument, 0);
            return 0;
        }
    }
    _PyArg_BadArgument(function, which, "a unicode character", argument);
    return -1;
}

/* Reads (chr[, default]); the default is NULL if absent. */
static int parse_with_default(const char *function, PyObject *const *args, Py_ssize_t nargs, Py_UCS4 *ch,
                              PyObject **fallback) {
    if (!_PyArg_CheckPositional(function, nargs, 1, 2)) return -1;
    *fallback = nargs > 1 ? args[1] : NULL;
    return character_argument(function, "argument 1", args[0], ch);
}

/* The default, or ValueError with the message if there is none. */
static PyObject *default_or_error(PyObject *fallback, const char *message) {
    if (fallback != NULL) return Py_NewRef(fallback);
    PyErr_SetString(PyExc_ValueError, message);
    return NULL;
}

/* ---- names ---- */

/* True if `name` is an alias of the character: it has another name, or none. */
static int is_alias(const char *name, Py_ssize_t length, Py_UCS4 code) {
    char real[KR_UNICODE_NAME_MAX];
    int real_length = kr_unicode_code_to_name(code, real);
    return real_length != length || PyOS_strnicmp(real, name, length) != 0;
}

PyDoc_STRVAR(lookup_doc, "lookup($self, name, /)\n--\n\n"
                         "The character, or sequence of characters, of that name; KeyError if there is none.");
static PyObject *lookup(PyObject *self, PyObject *argument) {
    const char *name;
    Py_ssize_t length;
    Py_UCS4 code;
    if (!PyArg_Parse(argument, "s#:lookup", &name, &length)) return NULL;
    if (length > KR_UNICODE_NAME_MAX) {
        PyErr_SetString(PyExc_KeyError, "name too long");
        return NULL;
    }
    int found = kr_unicode_name_to_code(name, (size_t)length, &code, !is_old(self));
    if (found && is_old(self)) found = !is_unknown(self, code) && !is_alias(name, length, code);
    if (!found) {
        PyErr_Format(PyExc_KeyError, "undefined character name '%s'", name);
        return NULL;
    }
    if (code >= KR_UNICODE_SEQUENCE_BASE && code - KR_UNICODE_SEQUENCE_BASE < (Py_UCS4)kr_unicode_sequence_count) {
        const KrUnicodeSequence *sequence = &kr_unicode_sequences[code - KR_UNICODE_SEQUENCE_BASE];
        return PyUnicode_FromKindAndData(PyUnicode_2BYTE_KIND, sequence->codes, sequence->count);
    }
    return PyUnicode_FromOrdinal((int)code);
}

PyDoc_STRVAR(name_doc, "name($self, chr, default=<unrepresentable>, /)\n--\n\n"
                       "Name of the character; without one, the default, or ValueError.");
static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 ch;
    PyObject *fallback;
    char text[KR_UNICODE_NAME_MAX];
    if (parse_with_default("name", args, nargs, &ch, &fallback) < 0) return NULL;
    int length = is_unknown(self, ch) ? -1 : kr_unicode_code_to_name(ch, text);
    if (length < 0) return default_or_error(fallback, "no such name");
    return PyUnicode_FromStringAndSize(text, length);
}

/* ---- numbers ---- */

PyDoc_STRVAR(decimal_doc, "decimal($self, chr, default=<unrepresentable>, /)\n--\n\n"
                          "Value of a decimal digit as an int; of others the default, or ValueError.");
static PyObject *decimal(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 ch;
    PyObject *fallback;
    if (parse_with_default("decimal", args, nargs, &ch, &fallback) < 0) return NULL;
    int value = _PyUnicode_ToDecimalDigit(ch);
    if (is_unknown(self, ch)) value = -1;
    else if (is_old(self) && change_of(ch)->decimal != KR_UNICODE_SAME) value = change_of(ch)->decimal;
    return value < 0 ? default_or_error(fallback, "not a decimal") : PyLong_FromLong(value);
}

PyDoc_STRVAR(digit_doc, "digit($self, chr, default=<unrepresentable>, /)\n--\n\n"
                        "Value of a digit as an int; of others the default, or ValueError.");
static PyObject *digit_value(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 ch;
    PyObject *fallback;
    if (parse_with_default("digit", args, nargs, &ch, &fallback) < 0) return NULL;
    int value = _PyUnicode_ToDigit(ch);
    return value < 0 ? default_or_error(fallback, "not a digit") : PyLong_FromLong(value);
}

PyDoc_STRVAR(numeric_doc, "numeric($self, chr, default=<unrepresentable>, /)\n--\n\n"
                          "Numeric value of a character as a float; of others the default, or ValueError.");
static PyObject *numeric(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 ch;
    PyObject *fallback;
    if (parse_with_default("numeric", args, nargs, &ch, &fallback) < 0) return NULL;
    if (is_unknown(self, ch) || !_PyUnicode_IsNumeric(ch)) return default_or_error(fallback, "not a numeric character");
    return PyFloat_FromDouble(_PyUnicode_ToNumeric(ch));
}

/* ---- properties ---- */

PyDoc_STRVAR(category_doc, "category($self, chr, /)\n--\n\nGeneral category of the character, such as 'Lu'.");
static PyObject *category(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("category", "argument", argument, &ch) < 0) return NULL;
    int index = kr_unicode_property(ch)->category;
    if (is_old(self) && change_of(ch)->category != KR_UNICODE_SAME) index = change_of(ch)->category;
    return PyUnicode_FromString(kr_unicode_category_names[index]);
}

PyDoc_STRVAR(bidirectional_doc, "bidirectional($self, chr, /)\n--\n\n"
                                "Bidirectional class of the character; '' if none is defined.");
static PyObject *bidirectional(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("bidirectional", "argument", argument, &ch) < 0) return NULL;
    int index = kr_unicode_property(ch)->bidirectional;
    if (is_old(self) && change_of(ch)->bidirectional != KR_UNICODE_SAME) index = change_of(ch)->bidirectional;
    return PyUnicode_FromString(kr_unicode_bidirectional_names[index]);
}

PyDoc_STRVAR(combining_doc, "combining($self, chr, /)\n--\n\nCanonical combining class of the character; mostly 0.");
static PyObject *combining(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("combining", "argument", argument, &ch) < 0) return NULL;
    return PyLong_FromLong(is_unknown(self, ch) ? 0 : kr_unicode_property(ch)->combining);
}

PyDoc_STRVAR(mirrored_doc, "mirrored($self, chr, /)\n--\n\n1 if the character is mirrored in text from right to left, else 0.");
static PyObject *mirrored(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("mirrored", "argument", argument, &ch) < 0) return NULL;
    int value = kr_unicode_property(ch)->mirrored;
    if (is_old(self) && change_of(ch)->mirrored != KR_UNICODE_SAME) value = change_of(ch)->mirrored;
    return PyLong_FromLong(value);
}

PyDoc_STRVAR(width_doc, "east_asian_width($self, chr, /)\n--\n\nEast Asian width of the character, such as 'W'.");
static PyObject *east_asian_width(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("east_asian_width", "argument", argument, &ch) < 0) return NULL;
    int index = kr_unicode_property(ch)->width;
    if (is_old(self) && change_of(ch)->width != KR_UNICODE_SAME) index = change_of(ch)->width;
    return PyUnicode_FromString(kr_unicode_width_names[index]);
}

enum { MAX_DECOMPOSITION = 18 };

PyDoc_STRVAR(decomposition_doc, "decomposition($self, chr, /)\n--\n\n"
                                "Decomposition of the character: its kind, if any, and code points in hexadecimal.");
static PyObject *decomposition(PyObject *self, PyObject *argument) {
    Py_UCS4 ch;
    if (character_argument("decomposition", "argument", argument, &ch) < 0) return NULL;
    const Py_UCS4 *record = kr_unicode_decomposition(ch);
    char text[16 + MAX_DECOMPOSITION * 8], *p = text;
    *p = 0;
    if (*record != 0 && !is_unknown(self, ch)) {
        int count = (int)(*record >> 8);
        p = stpcpy(p, kr_unicode_decomposition_names[*record & 255]);
        for (int i = 1; i <= count; i++) p += sprintf(p, "%s%04X", p == text ? "" : " ", (unsigned)record[i]);
    }
    return PyUnicode_FromStringAndSize(text, p - text);
}

/* ---- normal forms ---- */

enum {
    HANGUL_FIRST = 0xac00, LEAD_FIRST = 0x1100, VOWEL_FIRST = 0x1161, TAIL_FIRST = 0x11a7, /* one before the first tail */
    LEAD_COUNT = 19, VOWEL_COUNT = 21, TAIL_COUNT = 28, HANGUL_COUNT = LEAD_COUNT * VOWEL_COUNT * TAIL_COUNT,
};

/* A growing buffer of code points. */
typedef struct {
    Py_UCS4 *codes;
    Py_ssize_t length, capacity;
} Buffer;

static int buffer_add(Buffer *buffer, Py_UCS4 ch) {
    if (buffer->length == buffer->capacity) {
        Py_ssize_t capacity = buffer->capacity + buffer->capacity / 2 + 64;
        Py_UCS4 *moved = PyMem_Resize(buffer->codes, Py_UCS4, capacity);
        if (moved == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        buffer->codes = moved;
        buffer->capacity = capacity;
    }
    buffer->codes[buffer->length++] = ch;
    return 0;
}

/* The single character that Unicode 3.2 wrongly decomposed `ch` into, or 0. */
static Py_UCS4 original_decomposition(Py_UCS4 ch) {
    for (int i = 0; i < kr_unicode_correction_count; i++)
        if (kr_unicode_corrections[i].code == ch) return kr_unicode_corrections[i].original;
    return 0;
}

/* Adds the full decomposition of a character; `compatible` takes the non-canonical ones too. */
static int decompose(PyObject *self, Buffer *buffer, Py_UCS4 ch, int compatible) {
    if (ch >= HANGUL_FIRST && ch < HANGUL_FIRST + HANGUL_COUNT) {
        int syllable = (int)(ch - HANGUL_FIRST), tail = syllable % TAIL_COUNT;
        if (buffer_add(buffer, LEAD_FIRST + (Py_UCS4)(syllable / (VOWEL_COUNT * TAIL_COUNT))) < 0 ||
            buffer_add(buffer, VOWEL_FIRST + (Py_UCS4)(syllable / TAIL_COUNT % VOWEL_COUNT)) < 0)
            return -1;
        return tail == 0 ? 0 : buffer_add(buffer, TAIL_FIRST + (Py_UCS4)tail);
    }
    if (is_old(self)) {
        Py_UCS4 original = original_decomposition(ch);
        if (original != 0) return decompose(self, buffer, original, compatible);
    }
    const Py_UCS4 *record = kr_unicode_decomposition(ch);
    if (*record == 0 || is_unknown(self, ch) || ((*record & 255) != 0 && !compatible)) return buffer_add(buffer, ch);
    for (int i = 1, count = (int)(*record >> 8); i <= count; i++)
        if (decompose(self, buffer, record[i], compatible) < 0) return -1;
    return 0;
}

/* Sorts runs of combining characters by class, equal ones in their order. */
static void sort_marks(Buffer *buffer) {
    Py_UCS4 *codes = buffer->codes;
    for (Py_ssize_t i = 1; i < buffer->length; i++) {
        Py_UCS4 ch = codes[i];
        int class = kr_unicode_property(ch)->combining;
        Py_ssize_t j = i;
        if (class == 0) continue;
        for (; j > 0 && kr_unicode_property(codes[j - 1])->combining > class; j--) codes[j] = codes[j - 1];
        codes[j] = ch;
    }
}

/* The character that a pair composes to, or 0. */
static Py_UCS4 compose_pair(Py_UCS4 first, Py_UCS4 second) {
    if (first - LEAD_FIRST < LEAD_COUNT && second - VOWEL_FIRST < VOWEL_COUNT)
        return HANGUL_FIRST + ((first - LEAD_FIRST) * VOWEL_COUNT + (second - VOWEL_FIRST)) * TAIL_COUNT;
    if (first - HANGUL_FIRST < HANGUL_COUNT && (first - HANGUL_FIRST) % TAIL_COUNT == 0 && second > TAIL_FIRST &&
        second < TAIL_FIRST + TAIL_COUNT)
        return first + (second - TAIL_FIRST);
    for (int low = 0, high = kr_unicode_composition_count; low < high;) {
        int middle = (low + high) / 2;
        const KrUnicodeComposition *pair = &kr_unicode_compositions[middle];
        if (pair->first == first && pair->second == second) return pair->composed;
        if (pair->first < first || (pair->first == first && pair->second < second)) low = middle + 1;
        else high = middle;
    }
    return 0;
}

/* Composes in place what is decomposed and sorted. */
static void compose(Buffer *buffer) {
    Py_UCS4 *codes = buffer->codes;
    Py_ssize_t starter = -1, used = 0;
    int last_class = 0;
    for (Py_ssize_t i = 0; i < buffer->length; i++) {
        Py_UCS4 ch = codes[i];
        int class = kr_unicode_property(ch)->combining;
        if (starter >= 0 && (last_class == 0 || last_class < class)) {
            Py_UCS4 composed = compose_pair(codes[starter], ch);
            if (composed != 0) {
                codes[starter] = composed;
                continue;
            }
        }
        if (class == 0) starter = used;
        last_class = class;
        codes[used++] = ch;
    }
    buffer->length = used;
}

typedef struct {
    int position; /* of the two bits in quick_check */
    int composes, compatible;
} Form;

/* Recognises a form by its name; returns 0 or -1 with ValueError. */
static int parse_form(PyObject *name, Form *form) {
    static const struct {
        const char *name;
        Form form;
    } forms[] = {
        {"NFC", {KR_FORM_NFC, 1, 0}},
        {"NFKC", {KR_FORM_NFKC, 1, 1}},
        {"NFD", {KR_FORM_NFD, 0, 0}},
        {"NFKD", {KR_FORM_NFKD, 0, 1}},
    };
    for (int i = 0; i < 4; i++) {
        if (_PyUnicode_EqualToASCIIString(name, forms[i].name)) {
            *form = forms[i].form;
            return 0;
        }
    }
    PyErr_SetString(PyExc_ValueError, "invalid normalization form");
    return -1;
}

/* Tells from the characters alone: KR_QUICK_YES, _NO, or _MAYBE. The old database has no data for it. */
static int quick_check(PyObject *self, PyObject *text, const Form *form) {
    if (PyUnicode_IS_ASCII(text)) return KR_QUICK_YES;
    if (is_old(self)) return KR_QUICK_MAYBE;
    int kind = PyUnicode_KIND(text), last_class = 0, answer = KR_QUICK_YES;
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t i = 0, length = PyUnicode_GET_LENGTH(text); i < length; i++) {
        const KrUnicodeProperties *properties = kr_unicode_property(PyUnicode_READ(kind, data, i));
        int class = properties->combining, here = (properties->quick_check >> form->position) & 3;
        if ((class != 0 && last_class > class) || here == KR_QUICK_NO) return KR_QUICK_NO;
        if (here == KR_QUICK_MAYBE) answer = KR_QUICK_MAYBE;
        last_class = class;
    }
    return answer;
}

static PyObject *normalized(PyObject *self, PyObject *text, const Form *form) {
    Buffer buffer = {NULL, 0, 0};
    PyObject *result = NULL;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t i = 0, length = PyUnicode_GET_LENGTH(text); i < length; i++)
        if (decompose(self, &buffer, PyUnicode_READ(kind, data, i), form->compatible) < 0) goto done;
    sort_marks(&buffer);
    if (form->composes) compose(&buffer);
    result = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, buffer.codes, buffer.length);
done:
    PyMem_Free(buffer.codes);
    return result;
}

/* Reads (form, text). */
static int parse_form_and_text(const char *function, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional(function, nargs, 2, 2)) return -1;
    for (int i = 0; i < 2; i++) {
        if (!PyUnicode_Check(args[i])) {
            _PyArg_BadArgument(function, i == 0 ? "argument 1" : "argument 2", "str", args[i]);
            return -1;
        }
        if (PyUnicode_READY(args[i]) < 0) return -1;
    }
    return 0;
}

PyDoc_STRVAR(is_normalized_doc, "is_normalized($self, form, unistr, /)\n--\n\n"
                                "True if the string is in the normal form 'NFC', 'NFKC', 'NFD' or 'NFKD'.");
static PyObject *is_normalized(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Form form;
    if (parse_form_and_text("is_normalized", args, nargs) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(args[1]) == 0) Py_RETURN_TRUE;
    if (parse_form(args[0], &form) < 0) return NULL;
    int answer = quick_check(self, args[1], &form);
    if (answer != KR_QUICK_MAYBE) return PyBool_FromLong(answer == KR_QUICK_YES);
    PyObject *result = normalized(self, args[1], &form);
    if (result == NULL) return NULL;
    int equal = PyUnicode_Compare(args[1], result) == 0;
    Py_DECREF(result);
    return PyBool_FromLong(equal);
}

PyDoc_STRVAR(normalize_doc, "normalize($self, form, unistr, /)\n--\n\n"
                            "The string in the normal form 'NFC', 'NFKC', 'NFD' or 'NFKD'.");
static PyObject *normalize(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Form form;
    if (parse_form_and_text("normalize", args, nargs) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(args[1]) == 0) return Py_NewRef(args[1]);
    if (parse_form(args[0], &form) < 0) return NULL;
    if (quick_check(self, args[1], &form) == KR_QUICK_YES) return Py_NewRef(args[1]);
    return normalized(self, args[1], &form);
}

static PyMethodDef functions[] = {
    {"lookup", lookup, METH_O, lookup_doc},
    {"name", (PyCFunction)(void (*)(void))name, METH_FASTCALL, name_doc},
    {"decimal", (PyCFunction)(void (*)(void))decimal, METH_FASTCALL, decimal_doc},
    {"digit", (PyCFunction)(void (*)(void))digit_value, METH_FASTCALL, digit_doc},
    {"numeric", (PyCFunction)(void (*)(void))numeric, METH_FASTCALL, numeric_doc},
    {"category", category, METH_O, category_doc},
    {"bidirectional", bidirectional, METH_O, bidirectional_doc},
    {"combining", combining, METH_O, combining_doc},
    {"east_asian_width", east_asian_width, METH_O, width_doc},
    {"mirrored", mirrored, METH_O, mirrored_doc},
    {"decomposition", decomposition, METH_O, decomposition_doc},
    {"normalize", (PyCFunction)(void (*)(void))normalize, METH_FASTCALL, normalize_doc},
    {"is_normalized", (PyCFunction)(void (*)(void))is_normalized, METH_FASTCALL, is_normalized_doc},
    {NULL},
};

static PyMemberDef database_members[] = {
    {"unidata_version", T_STRING, offsetof(Database, version), READONLY, "Version of the database."},
    {NULL},
};

static PyTypeObject database_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "unicodedata.UCD",
    .tp_basicsize = sizeof(Database),
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = functions,
    .tp_members = database_members,
};

/* ---- the module ---- */

static int capsule_get_name(Py_UCS4 code, char *buffer, int size, int with_aliases) {
    char text[KR_UNICODE_NAME_MAX];
    int length = kr_unicode_code_to_name(code, text);
    if (length < 0 || length >= size) return 0;
    memcpy(buffer, text, (size_t)length + 1);
    return 1;
}

static int capsule_get_code(const char *text, int length, Py_UCS4 *code, int with_sequences) {
    return kr_unicode_name_to_code(text, (size_t)length, code, with_sequences);
}

static const KrCharacterNames capsule_functions = {capsule_get_name, capsule_get_code};

static int execute(PyObject *module) {
    if (PyType_Ready(&database_type) < 0 || PyModule_AddType(module, &database_type) < 0 ||
        PyModule_AddStringConstant(module, "unidata_version", "14.0.0") < 0)
        return -1;
    Database *old = PyObject_New(Database, &database_type);
    if (old == NULL) return -1;
    old->version = "3.2.0";
    int result = PyModule_AddObjectRef(module, "ucd_3_2_0", (PyObject *)old);
    Py_DECREF(old);
    if (result < 0) return -1;
    PyObject *capsule = PyCapsule_New((void *)&capsule_functions, "unicodedata._ucnhash_CAPI", NULL);
    if (capsule == NULL) return -1;
    result = PyModule_AddObjectRef(module, "_ucnhash_CAPI", capsule);
    Py_DECREF(capsule);
    return result;
}

PyDoc_STRVAR(module_doc, "Properties of all characters, from the Unicode Character Database 14.0.\n\n"
                         "ucd_3_2_0 offers the same functions for version 3.2 of the database.");

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "unicodedata",
    .m_doc = module_doc,
    .m_methods = functions,
    .m_slots = (PyModuleDef_Slot[]){{Py_mod_exec, execute}, {0, NULL}},
};

PyMODINIT_FUNC PyInit_unicodedata(void) { return PyModuleDef_Init(&module_definition); }
