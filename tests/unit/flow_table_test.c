/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection table: finds what was added, survives growth and removal, and reuses memory. */
#include <glib.h>

#include "flow/table.h"

struct entry {
    struct flow_short_key key;
    uint32_t value;
};

struct short_entry {
    struct flow_short_key key;
    uint32_t value;
};

static struct flow_key make_key(uint32_t n)
{
    struct flow_key key = {.version = 4, .port = {(uint16_t)n, 443}};

    memcpy(key.address[0], &n, sizeof n);
    key.address[1][0] = 192;
    return key;
}

static void test_add_find_remove(void)
{
    const uint32_t n = 20000;
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 1);

    for (uint32_t i = 0; i < n; i++) {
        struct flow_key key = make_key(i);
        struct entry *entry = flow_table_add(table, &key, flow_table_hash(table, &key));

        entry->value = i;
    }
    g_assert_cmpuint(flow_table_count(table), ==, n);
    for (uint32_t i = 0; i < n; i += 2) {
        struct flow_key key = make_key(i);

        flow_table_remove(table, &key, flow_table_find(table, &key, flow_table_hash(table, &key)));
    }
    for (uint32_t i = 0; i < n; i++) {
        struct flow_key key = make_key(i);
        struct entry *entry = flow_table_find(table, &key, flow_table_hash(table, &key));

        if (i % 2 == 0) {
            g_assert_null(entry);
        } else {
            g_assert_nonnull(entry);
            g_assert_cmpuint(entry->value, ==, i);
        }
    }
    flow_table_free(table);
}

static void test_memory_is_reused(void)
{
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 2);

    for (uint32_t i = 0; i < 5000; i++) {
        struct flow_key key = make_key(i);
        struct entry *entry = flow_table_add(table, &key, flow_table_hash(table, &key));

        g_assert_cmpuint(entry->value, ==, 0); /* a reused entry is clean */
        entry->value = 7;
        flow_table_remove(table, &key, entry);
    }
    g_assert_cmpuint(flow_table_positions(table), ==, 1);
    g_assert_null(flow_table_at(table, 0));
    flow_table_free(table);
}

static void test_cleared(void)
{
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 4);

    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            struct flow_key key = make_key(i);
            uint32_t hash = flow_table_hash(table, &key);

            g_assert_null(flow_table_find(table, &key, hash));
            flow_table_add(table, &key, hash);
        }
        g_assert_cmpuint(flow_table_count(table), ==, 20000);
        g_assert_cmpuint(flow_table_positions(table), ==, 20000);
        flow_table_clear(table);
        g_assert_cmpuint(flow_table_count(table), ==, 0);
        g_assert_null(flow_table_at(table, 0));
    }
    flow_table_free(table);
}

/* Entries of IPv6 keep both addresses, which IPv4's do without. */
static void test_ipv6(void)
{
    const uint32_t n = 20000;
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 6);

    for (uint32_t i = 0; i < n; i++) {
        struct flow_key key = make_key(i);

        key.version = i % 2 ? 6 : 4;
        memcpy(key.address[1] + 12, &i, i % 2 ? sizeof i : 0);
        ((struct entry *)flow_table_add(table, &key, flow_table_hash(table, &key)))->value = i;
    }
    g_assert_cmpuint(flow_table_positions(table), ==, n);
    for (uint32_t position = 0; position < n; position++) {
        const struct entry *entry = flow_table_at(table, position);
        struct flow_key key = flow_entry_key(entry, entry->value % 2 ? 6 : 4);

        g_assert_true(flow_table_find(table, &key, flow_table_hash(table, &key)) == entry);
        g_assert_true(flow_entry_is(entry, &key));
        key.address[1][15] ^= 1;
        g_assert_true(flow_entry_is(entry, &key) == (key.version == 4));
        g_assert_true(!flow_table_find(table, &key, flow_table_hash(table, &key)) ||
                      key.version == 4);
    }
    for (uint32_t position = 0; position < n; position++) {
        struct entry *entry = flow_table_at(table, position);
        struct flow_key key = flow_entry_key(entry, entry->value % 2 ? 6 : 4);

        flow_table_remove(table, &key, entry);
        g_assert_null(flow_table_at(table, position));
    }
    g_assert_cmpuint(flow_table_count(table), ==, 0);
    flow_table_free(table);
}

/* The hash is keyed: keys that collide under one seed do not under another, and no bit of a key
 * leaves the hash as it was. */
static void test_hash_is_keyed(void)
{
    struct flow_table *one = flow_table_new(sizeof(struct entry), 0, 1000);
    struct flow_table *two = flow_table_new(sizeof(struct entry), 0, 1001);
    uint32_t first[2] = {0, 0};
    unsigned together = 0, apart = 0;

    for (uint32_t i = 0; i < 1u << 16; i++) {
        struct flow_key key = make_key(i * 2654435761u);
        uint32_t a = flow_table_hash(one, &key);
        uint32_t b = flow_table_hash(two, &key);

        if (i == 0) {
            first[0] = a & 0xff;
            first[1] = b & 0xff;
        } else if ((a & 0xff) == first[0]) { /* an attacker's choice, made for the first seed */
            together++;
            apart += (b & 0xff) != first[1];
        }
    }
    g_assert_cmpuint(together, >, 128);
    g_assert_cmpuint(apart * 10, >, together * 9);
    flow_table_free(one);
    flow_table_free(two);
}

static void test_versions_differ(void)
{
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 3);
    struct flow_key four = make_key(9);
    struct flow_key six = four;

    six.version = 6;
    flow_table_add(table, &four, flow_table_hash(table, &four));
    g_assert_null(flow_table_find(table, &six, flow_table_hash(table, &six)));
    flow_table_free(table);
}

/* Short entries share the table, but not the entries' memory; each is found by its own function
 * only. */
static void test_short_entries(void)
{
    const uint32_t n = 20000;
    struct flow_table *table = flow_table_new(sizeof(struct entry), sizeof(struct short_entry), 5);

    for (uint32_t i = 0; i < n; i++) {
        struct flow_key key = make_key(i);
        uint32_t hash = flow_table_hash(table, &key);

        if (i % 3 == 0) {
            ((struct entry *)flow_table_add(table, &key, hash))->value = i;
        } else {
            ((struct short_entry *)flow_table_add_short(table, &key, hash))->value = i;
        }
    }
    g_assert_cmpuint(flow_table_count(table), ==, n);
    g_assert_cmpuint(flow_table_short_positions(table), ==, n - (n + 2) / 3);
    for (uint32_t i = 0; i < n; i += 3) { /* every third becomes a long one, and those go */
        struct flow_key gone = make_key(i);
        struct flow_key key = make_key(i + 1);
        uint32_t hash = flow_table_hash(table, &key);

        flow_table_remove(table, &gone,
                          flow_table_find(table, &gone, flow_table_hash(table, &gone)));
        if (i + 1 < n) {
            flow_table_remove_short(table, flow_table_find_short(table, &key, hash));
            ((struct entry *)flow_table_add(table, &key, hash))->value = i + 1;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        struct flow_key key = make_key(i);
        uint32_t hash = flow_table_hash(table, &key);
        struct entry *entry = flow_table_find(table, &key, hash);
        struct short_entry *half = flow_table_find_short(table, &key, hash);

        g_assert_true((entry != NULL) == (i % 3 == 1));
        g_assert_true((half != NULL) == (i % 3 == 2));
        g_assert_cmpuint(entry ? entry->value : half ? half->value : i, ==, i);
    }
    flow_table_free(table);
}

static void test_direction_does_not_matter(void)
{
    struct whyrst_segment there = {.ip_version = 6,
                                   .source = {0x20, 1},
                                   .destination = {0x20, 2},
                                   .source_port = 50000,
                                   .destination_port = 443};
    struct whyrst_segment back = {.ip_version = 6,
                                  .source = {0x20, 2},
                                  .destination = {0x20, 1},
                                  .source_port = 443,
                                  .destination_port = 50000};
    struct flow_key a = {0};
    struct flow_key b = {0};

    g_assert_cmpuint(flow_key_make(&a, &there), !=, flow_key_make(&b, &back));
    g_assert_cmpmem(&a, sizeof a, &b, sizeof b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow/add-find-remove", test_add_find_remove);
    g_test_add_func("/flow/memory-is-reused", test_memory_is_reused);
    g_test_add_func("/flow/cleared", test_cleared);
    g_test_add_func("/flow/versions-differ", test_versions_differ);
    g_test_add_func("/flow/ipv6", test_ipv6);
    g_test_add_func("/flow/hash-is-keyed", test_hash_is_keyed);
    g_test_add_func("/flow/short-entries", test_short_entries);
    g_test_add_func("/flow/direction", test_direction_does_not_matter);
    return g_test_run();
}
