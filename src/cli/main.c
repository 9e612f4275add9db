/* The program krait. */
#include <Python.h>

#ifdef KRAIT_SANITIZE
/* Static types keep what they own until the process ends; the heap goes back to the system as a whole. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
