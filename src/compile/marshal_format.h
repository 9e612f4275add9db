/* The bytes of the marshal format that its reader and writer agree on. */
#ifndef KR_COMPILE_MARSHAL_FORMAT_H
#define KR_COMPILE_MARSHAL_FORMAT_H

enum {
    TYPE_NULL = '0',
    TYPE_NONE = 'N',
    TYPE_FALSE = 'F',
    TYPE_TRUE = 'T',
    TYPE_STOP_ITERATION = 'S',
    TYPE_ELLIPSIS = '.',
    TYPE_INT = 'i',    /* 32 bits */
    TYPE_INT64 = 'I',  /* read only: no longer written */
    TYPE_FLOAT = 'f',  /* as text, before version 2 */
    TYPE_BINARY_FLOAT = 'g',
    TYPE_COMPLEX = 'x',
    TYPE_BINARY_COMPLEX = 'y',
    TYPE_LONG = 'l',
    TYPE_BYTES = 's',
    TYPE_INTERNED = 't',
    TYPE_REFERENCE = 'r',
    TYPE_TUPLE = '(',
    TYPE_LIST = '[',
    TYPE_DICT = '{',
    TYPE_CODE = 'c',
    TYPE_UNICODE = 'u',
    TYPE_UNKNOWN = '?',
    TYPE_SET = '<',
    TYPE_FROZENSET = '>',
    TYPE_ASCII = 'a',
    TYPE_ASCII_INTERNED = 'A',
    TYPE_SMALL_TUPLE = ')',
    TYPE_SHORT_ASCII = 'z',
    TYPE_SHORT_ASCII_INTERNED = 'Z',
    TYPE_DEFERRED_CODE = 'D', /* in frozen modules only: see tools/freeze.py */
    FLAG_REFERENCE = 0x80, /* with a type: the object gets the next reference number */

    MARSHAL_DIGIT_BITS = 15, /* of a TYPE_LONG */
    MARSHAL_DIGIT_MASK = (1 << MARSHAL_DIGIT_BITS) - 1,
    MAX_MARSHAL_DEPTH = 2000, /* of nested objects */
};

#endif
