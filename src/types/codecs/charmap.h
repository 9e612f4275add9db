/* The tables that PyUnicode_BuildEncodingMap makes for charmap encodings. */
#ifndef KR_TYPES_CODECS_CHARMAP_H
#define KR_TYPES_CODECS_CHARMAP_H

#include <Python.h>

extern PyTypeObject kr_encoding_map_type;

#endif
