/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is reset in the TLS handshake: a JA4, or a server name?
 *
 * A JA4 is blocked when nearly all of its ClientHellos are reset and those of other JA4s, with the
 * same names, at the same servers and in the same time, are answered; not when it is one client's
 * only one (the address may be meant). A name is blocked when nearly all of its ClientHellos are
 * reset whatever the JA4, and the same JA4s are answered under other names of the same servers.
 * Where neither comparison can be made, nothing is claimed.
 *
 * First each server is looked at by itself, then names over all their servers: a name behind many
 * addresses may have too few connections with each.
 */
#include <string.h>

#include "diagnose/contrast.h"
#include "diagnose/network.h"
#include "diagnose/suspects.h"

/**
 * struct users - the clients that were reset with a JA4
 * @count:   different ones
 * @mixed:   some were answered when they said another one
 * @network: has all of them; @shut: and no client that was answered
 */
struct users {
    guint count;
    bool mixed;
    struct network network;
    bool shut;
};

static GHashTable *clients_of(const struct group *group, uint32_t ja4)
{
    GHashTable *clients = g_hash_table_new(servers_hash_address, servers_equal_addresses);

    for (guint i = 0; i < group->count; i++) {
        if (group->cells[i]->key.ja4 == ja4 && group->cells[i]->score.failed) {
            g_hash_table_add(clients, (gpointer)group->cells[i]->key.client);
        }
    }
    return clients;
}

static struct users find_users(const struct group *group, uint32_t ja4)
{
    g_autoptr(GHashTable) clients = clients_of(group, ja4);
    struct users users = {.count = g_hash_table_size(clients), .shut = true};
    GHashTableIter iter;
    gpointer client;

    g_hash_table_iter_init(&iter, clients);
    while (g_hash_table_iter_next(&iter, &client, NULL)) {
        network_add(&users.network, group->cells[0]->key.server.version, client);
    }
    for (guint i = 0; i < group->count; i++) {
        const struct hello_key *key = &group->cells[i]->key;

        if (key->ja4 != ja4 && group->cells[i]->score.good) {
            users.mixed |= g_hash_table_contains(clients, key->client);
            users.shut &= !network_has(&users.network, key->client);
        }
    }
    users.shut &= network_is_narrow(&users.network);
    return users;
}

/* What several JA4s have in common is the reason. */
static bool is_version(const struct contrast *contrast)
{
    return contrast->version && contrast->alike;
}

/* Where an address is never seen to be answered, it may be what is not wanted; but whoever minds
 * addresses need not wait for a ClientHello. */
static enum whyrst_confidence confidence_of(const struct contrast *contrast,
                                            const struct users *users)
{
    enum whyrst_confidence sure = contrast_confidence(contrast);

    if (is_version(contrast) || contrast_may_be_size(&contrast->own, &contrast->others)) {
        return WHYRST_CONFIDENCE_LOW;
    }
    return !users->mixed || contrast->version || contrast->alpn
               ? MIN(sure, WHYRST_CONFIDENCE_MEDIUM)
               : sure;
}

/* What else may be the reason. */
static void tell_doubts(struct whyrst_finding *finding, const struct contrast *contrast,
                        const struct users *users)
{
    char text[80];

    if (contrast->version && !contrast->alike) {
        finding_evidence(finding, "no other JA4 of this TLS version came: the server may want "
                                  "another version of whoever comes");
    }
    if (contrast->alpn) {
        finding_evidence(finding, "all JA4s with this ALPN are reset and no other: whoever resets "
                                  "may go by that");
    }
    if (!users->mixed && users->shut) {
        network_text(&users->network, text, sizeof text);
        finding_evidence(finding,
                         "its %u clients have no other JA4, and are all in %s, where no other "
                         "client is: a block of that network looks the same",
                         users->count, text);
    } else if (!users->mixed) {
        finding_evidence(finding,
                         "its %u clients have no other JA4: blocks of their addresses look the "
                         "same",
                         users->count);
    }
}

/* Whether findings about one server each tell most of it. */
static bool is_told(const struct group *group, enum whyrst_finding_kind kind, const char *sni,
                    const char *ja4, uint32_t failed)
{
    const struct whyrst_diagnosis *diagnosis = group->diagnosis;
    uint64_t told = 0;

    for (guint i = diagnosis->first_finding; group->wide && i < diagnosis->findings->len; i++) {
        const struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        if (finding->kind == kind && (!ja4 || g_strcmp0(finding->ja4, ja4) == 0) &&
            (!sni || g_strcmp0(finding->sni, sni) == 0)) {
            told += finding->resets;
        }
    }
    return told * 5 >= (uint64_t)failed * 4;
}

/* When it was, and that an outage looks the same. */
static void tell_meanwhile(struct whyrst_finding *finding, const struct contrast *contrast)
{
    const struct spell *spell = &contrast->spell;

    if (contrast->passing) {
        finding->seconds_ns = spell->after ? MAX(spell->last_ns - spell->first_ns, 1) : 0;
        finding_evidence(finding,
                         "not always: %u were answered before the first reset, %u after "
                         "the last",
                         spell->before, spell->after);
    }
    if (contrast->meanwhile.good == 0) {
        finding_evidence(finding, "no other was answered between its first reset and its last: "
                                  "trouble of the server's in that time looks the same");
    }
}

/* "192.0.2.1:443" or "20 servers"; the finding's server is set where it is one. */
static char *fill(struct whyrst_finding *finding, const struct contrast *contrast)
{
    guint servers = g_hash_table_size(contrast->servers);
    GHashTableIter iter;
    gpointer key;
    char text[80];

    g_hash_table_iter_init(&iter, contrast->servers);
    g_hash_table_iter_next(&iter, &key, NULL);
    if (servers == 1) {
        const struct server_key *server = key;

        endpoint_text(text, sizeof text, server->version, server->address, server->port, true);
        finding->server = g_strdup(text);
    } else {
        g_snprintf(text, sizeof text, "%u servers", servers);
    }
    finding_count(finding, contrast->own.failed,
                  (uint64_t)contrast->own.failed + contrast->own.good);
    finding_sender(finding, score_sender(&contrast->own));
    finding->has_others = true;
    finding->other_resets = contrast->others.failed;
    finding->other_connections = (uint64_t)contrast->others.failed + contrast->others.good;
    finding->p = contrast->p;
    finding->first_ns = contrast->own.failures->first_ns;
    finding->last_ns = contrast->own.failures->last_ns;
    frames_merge(&finding->places, &contrast->own.failures->frames, 0);
    return g_strdup(text);
}

/* RSTs of @ja4 are explained by it: at each server where it failed. */
static struct across *explain(const struct group *group, const struct contrast *contrast,
                              const char *ja4, enum whyrst_confidence sure)
{
    GArray *blocks = group->diagnosis->blocks;
    struct across *across = NULL;
    GHashTableIter iter;
    gpointer server;

    g_hash_table_iter_init(&iter, contrast->servers);
    while (g_hash_table_iter_next(&iter, &server, NULL)) {
        struct block *block = blocks_add(blocks, ACROSS_FINGERPRINT, sure, server, &contrast->own);

        block->ja4 = g_strdup(ja4);
        block->sni =
            group->wide
                ? g_strdup(names_text(group->diagnosis->whole->names, group->cells[0]->key.name))
                : NULL;
        across = block->across;
        g_snprintf(across->contrast, sizeof across->contrast,
                   "%s: %u of %u reset after ClientHello; %u other JA4%s: %u of %u", ja4,
                   contrast->own.failed, contrast->own.failed + contrast->own.good,
                   contrast->variety, contrast->variety == 1 ? "" : "s", contrast->others.failed,
                   contrast->others.failed + contrast->others.good);
    }
    return across;
}

static void add_ja4(const struct group *group, const struct contrast *contrast, const char *ja4,
                    const struct users *users)
{
    const struct score *own = &contrast->own, *others = &contrast->others;
    enum whyrst_confidence sure = confidence_of(contrast, users);
    struct whyrst_finding *finding =
        finding_add(group->diagnosis->findings, WHYRST_FINDING_TLS_FINGERPRINT_BLOCK, sure);
    g_autofree char *server = fill(finding, contrast);

    finding->ja4 = g_strdup(ja4);
    finding->sni = g_strdup(names_text(group->diagnosis->whole->names, contrast->name));
    finding_text(finding, "%s reset%s the TLS client %s: %u of %u connections, others %u of %u",
                 server, finding->server ? "s" : "", ja4, own->failed, own->failed + own->good,
                 others->failed, others->failed + others->good);
    if (is_version(contrast)) {
        finding_evidence(finding, "all JA4s of this TLS version are reset and no other: the server "
                                  "may want another version of whoever comes");
    } else {
        finding_evidence(finding, "%s", explain(group, contrast, ja4, sure)->contrast);
    }
    if (contrast_may_be_size(own, others)) {
        finding_evidence(finding, "its ClientHellos take several segments, and hardly any such "
                                  "was answered: whoever cannot put segments together "
                                  "resets the same ones");
    }
    tell_meanwhile(finding, contrast);
    tell_doubts(finding, contrast, users);
}

static void find_ja4(const struct group *group, uint32_t number)
{
    const char *ja4 = names_text(group->diagnosis->whole->names, number);
    struct contrast contrast;
    struct users users;

    if (!ja4) {
        return; /* of several that had no room */
    }
    contrast_ja4(group, number, &contrast);
    users = find_users(group, number);
    if (!(group->split && contrast_may_be_size(&contrast.own, &contrast.others)) &&
        (users.mixed || users.count > 1) && contrast_is_clear(group, &contrast) &&
        !(contrast.passing && users.count == 1) && /* its other JA4s may have come later */
        !is_told(group, WHYRST_FINDING_TLS_FINGERPRINT_BLOCK, NULL, ja4, contrast.own.failed)) {
        add_ja4(group, &contrast, ja4, &users);
    }
    contrast_clear(&contrast);
}

static void add_name(const struct group *group, const struct contrast *contrast, const char *name)
{
    const struct score *own = &contrast->own, *others = &contrast->others;
    bool was_down = contrast->passing && contrast->spell.after; /* rather than blocked */
    struct whyrst_finding *finding = finding_add(
        group->diagnosis->findings, WHYRST_FINDING_SNI_BLOCK,
        contrast->variety > 1 && !was_down ? contrast_confidence(contrast) : WHYRST_CONFIDENCE_LOW);
    g_autofree char *server = fill(finding, contrast);

    finding->sni = g_strdup(name);
    finding_text(finding, "%s reset%s TLS connections for %s: %u of %u, under other names %u of %u",
                 server, finding->server ? "s" : "", name, own->failed, own->failed + own->good,
                 others->failed, others->failed + others->good);
    finding_evidence(finding, "%u JA4%s reset under this name; under other names: %u of %u",
                     contrast->variety, contrast->variety == 1 ? "" : "s", others->failed,
                     others->failed + others->good);
    tell_meanwhile(finding, contrast);
    if (contrast->passing) {
        finding_evidence(finding, "a backend of that name that was down then looks the same");
    }
    if (contrast->blocked > 1) {
        finding_evidence(finding, "%u other name%s reset there as well", contrast->blocked - 1,
                         contrast->blocked == 2 ? " is" : "s are");
    }
}

static void find_name(const struct group *group, uint32_t number)
{
    const char *name = names_text(group->diagnosis->whole->names, number);
    struct contrast contrast;

    if (!name) {
        return;
    }
    contrast_name(group, number, &contrast);
    if (contrast_is_clear(group, &contrast) &&
        !is_told(group, WHYRST_FINDING_SNI_BLOCK, name, NULL, contrast.own.failed)) {
        add_name(group, &contrast, name);
    }
    contrast_clear(&contrast);
}

/* Each JA4 or name that shows CONTRAST_LEAST resets. */
static void each(const struct group *group, bool names,
                 void (*find)(const struct group *group, uint32_t number))
{
    g_autoptr(GHashTable) failed = combos_failures(group->combos, names);
    guint suspects = 0;

    for (guint i = 0; i < group->combos->len && suspects < LIMIT_SUSPECTS; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);
        uint32_t number = names ? combo->name : combo->ja4;

        if (number && combo->score.failed &&
            GPOINTER_TO_UINT(g_hash_table_lookup(failed, GUINT_TO_POINTER(number))) >=
                CONTRAST_LEAST) {
            g_hash_table_remove(failed, GUINT_TO_POINTER(number)); /* once */
            suspects++;
            find(group, number);
        }
    }
}

/* Numbers of names depend on the order of captures: within a name, the order of servers. */
static int by_name(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return x->key.name != y->key.name ? (x->key.name > y->key.name) - (x->key.name < y->key.name)
                                      : suspects_by_server(a, b);
}

static bool are_together(const struct hello_cell *a, const struct hello_cell *b, bool names)
{
    return names ? a->key.name == b->key.name
                 : memcmp(&a->key.server, &b->key.server, sizeof a->key.server) == 0;
}

static bool is_split_told(const struct whyrst_diagnosis *diagnosis)
{
    for (guint i = diagnosis->first_finding; i < diagnosis->findings->len; i++) {
        const struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        if (finding->kind == WHYRST_FINDING_SPLIT_HELLO) {
            return true;
        }
    }
    return false;
}

/* Sorted cells, by server or by name: each group with resets enough. */
static void find_in_groups(struct whyrst_diagnosis *diagnosis, GPtrArray *cells, bool names,
                           double tests)
{
    for (guint i = 0, end; i < cells->len; i = end) {
        struct group group = {.diagnosis = diagnosis,
                              .cells = (const struct hello_cell *const *)cells->pdata + i,
                              .wide = names,
                              .tests = tests};
        g_autoptr(GPtrArray) combos = NULL;
        uint64_t failed = 0;

        for (end = i; end < cells->len && are_together(group.cells[0], cells->pdata[end], names);
             end++) {
            failed += group.cells[end - i]->score.failed;
        }
        group.count = end - i;
        if (failed < CONTRAST_LEAST || (names && !group.cells[0]->key.name)) {
            continue;
        }
        group.combos = combos = combos_new(group.cells, group.count);
        group.split = names ? is_split_told(diagnosis) : find_split_hellos(&group);
        each(&group, false, find_ja4);
        if (!names) {
            each(&group, true, find_name);
        }
    }
}

static void find_at_servers(struct whyrst_diagnosis *diagnosis, const struct failing *failing)
{
    g_autoptr(GPtrArray) cells = suspects_at_servers(&diagnosis->whole->hellos, failing);

    find_in_groups(diagnosis, cells, false, failing->tests);
}

static void find_of_names(struct whyrst_diagnosis *diagnosis, const struct failing *failing)
{
    const struct heavy *hellos = &diagnosis->whole->hellos;
    struct group all = {.diagnosis = diagnosis, .wide = true, .tests = failing->tests};
    g_autoptr(GPtrArray) cells = NULL;
    g_autoptr(GPtrArray) combos = NULL;
    struct servers servers;

    servers_init(&servers);
    suspects_of_names(hellos, failing->names, &servers);
    cells = suspects_cells(hellos, &servers, failing->names);
    if (cells->len > 0) {
        all.combos = combos =
            combos_new((const struct hello_cell *const *)cells->pdata, cells->len);
        each(&all, true, find_name);
        qsort(cells->pdata, cells->len, sizeof cells->pdata[0], by_name);
        find_in_groups(diagnosis, cells, true, failing->tests);
    }
    servers_clear(&servers);
}

void find_blocks(struct whyrst_diagnosis *diagnosis)
{
    struct failing failing;

    suspects_count(diagnosis->whole, &failing);
    find_at_servers(diagnosis, &failing);
    if (failing.most >= CONTRAST_LEAST) {
        find_of_names(diagnosis, &failing);
    }
    g_hash_table_unref(failing.servers);
    g_free(failing.names);
}
