/* What the databases of accounts share: grp, pwd and spwd.
 *
 * Each of these modules makes one type of entry, a tuple with names, and describes its database by a KrAccounts. Searching
 * and listing is the same for all. The texts of a C entry live in a buffer of the search, so no C entry outlives the call
 * that makes an object of it.
 */
#ifndef KR_MODULES_ACCOUNTS_H
#define KR_MODULES_ACCOUNTS_H

typedef struct KrAccounts {
    void (*fill)(PyObject *result, const void *entry); /* sets the items of a new tuple; it may leave an exception */
    int size_limit;                                    /* the name under which sysconf() suggests a size of the buffer */
    void (*open)(void);
    const void *(*next)(void); /* the next C entry of the list, NULL at its end */
    void (*close)(void);
} KrAccounts;

/* Looks up `key` as getpwnam_r and its like do: returns their status and sets `*found` to `entry`, or to NULL. */
typedef int (*KrAccountLookup)(const void *key, void *entry, char *buffer, size_t size, void **found);

/* Returns an object made of the C entry, or NULL with an exception. */
PyObject *kr_account_make(PyObject *module, const KrAccounts *accounts, const void *entry);

/* Searches one entry, without the interpreter lock. Returns a new object; NULL with `*missing` set if there is none, or with
 * an exception and `*missing` 0. */
PyObject *kr_account_find(PyObject *module, const KrAccounts *accounts, KrAccountLookup lookup, const void *key, int *missing);

/* Returns a new list of all entries, or NULL with an exception. */
PyObject *kr_account_list(PyObject *module, const KrAccounts *accounts);

/* Returns the text of a field, a new reference: None if there is none. */
PyObject *kr_account_text(const char *text);

/* The module's state is the type of its entries. */
typedef struct KrAccountModule {
    PyTypeObject *entry_type;
} KrAccountModule;

int kr_account_module_add_type(PyObject *module, PyStructSequence_Desc *description); /* 0, or -1 with an exception */
int kr_account_module_traverse(PyObject *module, visitproc visit, void *arg);
int kr_account_module_clear(PyObject *module);
void kr_account_module_free(void *module);

#endif
