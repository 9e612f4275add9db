/* The hash table that a few compiled modules share with the interpreter (_Py_hashtable_*): pointers to pointers.
 *
 * Chained buckets, a power of two of them, never more than two entries a bucket on average. The records' layout is part
 * of the binary interface, because callers read `get_entry_func` and the entries directly.
 */
#include <Python.h>

typedef struct Item {
    struct Item *next;
} Item;

typedef struct {
    Item *head;
} List;

typedef struct {
    Item item;
    Py_uhash_t hash;
    void *key, *value;
} Entry;

typedef struct Table Table;
typedef Py_uhash_t (*HashFunction)(const void *);
typedef int (*CompareFunction)(const void *, const void *);
typedef void (*DestroyFunction)(void *);
typedef Entry *(*FindFunction)(Table *, const void *);
typedef int (*VisitFunction)(Table *, const void *, const void *, void *);

typedef struct {
    void *(*malloc)(size_t);
    void (*free)(void *);
} Allocator;

struct Table {
    size_t count, bucket_count;
    List *buckets;
    FindFunction find;
    HashFunction hash;
    CompareFunction compare;
    DestroyFunction destroy_key, destroy_value;
    Allocator allocator;
};

enum { FIRST_BUCKETS = 16 };

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int _Py_hashtable_compare_direct(const void *a, const void *b) { return a == b; }
EXPORTED Py_uhash_t _Py_hashtable_hash_ptr(const void *key) { return (Py_uhash_t)_Py_HashPointerRaw(key); }

static List *bucket_of(Table *table, Py_uhash_t hash) { return &table->buckets[hash & (table->bucket_count - 1)]; }

static Entry *find(Table *table, const void *key) {
    Py_uhash_t hash = table->hash(key);
    for (Item *item = bucket_of(table, hash)->head; item != NULL; item = item->next) {
        Entry *entry = (Entry *)item;
        if (entry->hash == hash && table->compare(key, entry->key)) return entry;
    }
    return NULL;
}

EXPORTED Table *_Py_hashtable_new_full(HashFunction hash, CompareFunction compare, DestroyFunction destroy_key,
                                       DestroyFunction destroy_value, Allocator *allocator) {
    Allocator chosen = allocator != NULL ? *allocator : (Allocator){PyMem_Malloc, PyMem_Free};
    Table *table = chosen.malloc(sizeof *table);
    if (table == NULL) return NULL;
    *table = (Table){0, FIRST_BUCKETS, chosen.malloc(FIRST_BUCKETS * sizeof(List)), find, hash, compare, destroy_key,
                     destroy_value, chosen};
    if (table->buckets == NULL) {
        chosen.free(table);
        return NULL;
    }
    memset(table->buckets, 0, FIRST_BUCKETS * sizeof(List));
    return table;
}

EXPORTED Table *_Py_hashtable_new(HashFunction hash, CompareFunction compare) {
    return _Py_hashtable_new_full(hash, compare, NULL, NULL, NULL);
}

/* Moves the entries to another number of buckets; without memory the table stays as it is. */
static void resize(Table *table, size_t bucket_count) {
    List *buckets = table->allocator.malloc(bucket_count * sizeof(List));
    if (buckets == NULL) return;
    memset(buckets, 0, bucket_count * sizeof(List));
    for (size_t i = 0; i < table->bucket_count; i++)
        for (Item *item = table->buckets[i].head, *next; item != NULL; item = next) {
            next = item->next;
            List *bucket = &buckets[((Entry *)item)->hash & (bucket_count - 1)];
            item->next = bucket->head;
            bucket->head = item;
        }
    table->allocator.free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = bucket_count;
}

EXPORTED int _Py_hashtable_set(Table *table, const void *key, void *value) {
    Entry *entry = table->allocator.malloc(sizeof *entry);
    if (entry == NULL) return -1;
    if (table->count >= 2 * table->bucket_count) resize(table, 4 * table->bucket_count);
    entry->hash = table->hash(key);
    entry->key = (void *)(uintptr_t)key;
    entry->value = value;
    List *bucket = bucket_of(table, entry->hash);
    entry->item.next = bucket->head;
    bucket->head = &entry->item;
    table->count++;
    return 0;
}

EXPORTED void *_Py_hashtable_get(Table *table, const void *key) {
    Entry *entry = table->find(table, key);
    return entry == NULL ? NULL : entry->value;
}

EXPORTED void *_Py_hashtable_steal(Table *table, const void *key) {
    Py_uhash_t hash = table->hash(key);
    for (Item **link = &bucket_of(table, hash)->head; *link != NULL; link = &(*link)->next) {
        Entry *entry = (Entry *)*link;
        if (entry->hash != hash || !table->compare(key, entry->key)) continue;
        void *value = entry->value;
        *link = entry->item.next;
        table->allocator.free(entry);
        table->count--;
        return value;
    }
    return NULL;
}

EXPORTED int _Py_hashtable_foreach(Table *table, VisitFunction visit, void *data) {
    for (size_t i = 0; i < table->bucket_count; i++)
        for (Item *item = table->buckets[i].head; item != NULL; item = item->next) {
            int result = visit(table, ((Entry *)item)->key, ((Entry *)item)->value, data);
            if (result) return result;
        }
    return 0;
}

static void drop_entries(Table *table) {
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (Item *item = table->buckets[i].head, *next; item != NULL; item = next) {
            Entry *entry = (Entry *)item;
            next = item->next;
            if (table->destroy_key != NULL) table->destroy_key(entry->key);
            if (table->destroy_value != NULL) table->destroy_value(entry->value);
            table->allocator.free(entry);
        }
        table->buckets[i].head = NULL;
    }
    table->count = 0;
}

EXPORTED void _Py_hashtable_clear(Table *table) {
    drop_entries(table);
    if (table->bucket_count > FIRST_BUCKETS) resize(table, FIRST_BUCKETS);
}

EXPORTED void _Py_hashtable_destroy(Table *table) {
    drop_entries(table);
    table->allocator.free(table->buckets);
    table->allocator.free(table);
}
