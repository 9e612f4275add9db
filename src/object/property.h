/* property objects. Invariant: the functions are NULL where the property has none, never None. */
#ifndef KR_OBJECT_PROPERTY_H
#define KR_OBJECT_PROPERTY_H

#include <Python.h>

/* The getter of a property (an instance of PyProperty_Type or a subclass), borrowed, or NULL. */
PyObject *kr_property_get_function(PyObject *property);

#endif
