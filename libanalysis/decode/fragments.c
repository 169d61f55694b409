/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reassembly of IP fragments.
 *
 * A datagram under reassembly is a list of pieces in the order of their offsets, each a copy of
 * bytes that really arrived: nothing is sized by what a header claims. When no hole is left the
 * pieces are laid one after the other; where they overlap the one with the lower offset, then the
 * earlier one, wins. That is what Wireshark does (overlaps are marked, not dropped).
 *
 * Bounds: pieces and bytes of a datagram, datagrams at once (the oldest gives way), and capture
 * time since a datagram's first fragment. What is given up is counted frame by frame.
 */
#include "decode/fragments.h"

#include <string.h>

#include <glib.h>

/** struct piece - one fragment's bytes, owned */
struct piece {
    uint32_t offset;
    uint32_t length;
    uint8_t *bytes;
};

/** struct key - what the fragments of one datagram have in common (RFC 791, RFC 8200) */
struct key {
    uint8_t source[16];
    uint8_t destination[16];
    uint32_t id;
    uint16_t vlan;
    uint8_t protocol;
    uint8_t ip_version;
};

/**
 * struct datagram - one under reassembly
 * @pieces:  of struct piece, by offset
 * @bytes:   sum of the pieces' lengths
 * @total:   payload length, known from the last fragment, or 0
 * @started: capture time of the first fragment
 * @link:    place in the list of all by age
 */
struct datagram {
    struct key key;
    GArray *pieces;
    uint32_t bytes;
    uint32_t total;
    int64_t started;
    GList link;
};

/** struct fragments - all of one capture: by key, and the oldest first */
struct fragments {
    GHashTable *by_key;
    GQueue by_age;
};

static guint key_hash(gconstpointer pointer)
{
    const uint8_t *bytes = pointer;
    guint hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof(struct key); i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct key)) == 0;
}

static void piece_clear(gpointer pointer)
{
    g_free(((struct piece *)pointer)->bytes);
}

static void datagram_free(gpointer pointer)
{
    struct datagram *d = pointer;

    g_array_free(d->pieces, TRUE);
    g_free(d);
}

/** fragments_new() - an empty table */
struct fragments *fragments_new(void)
{
    struct fragments *fragments = g_new0(struct fragments, 1);

    fragments->by_key = g_hash_table_new_full(key_hash, key_equal, NULL, datagram_free);
    g_queue_init(&fragments->by_age);
    return fragments;
}

/** fragments_free() - frees the table and what waits in it */
void fragments_free(struct fragments *fragments)
{
    g_hash_table_destroy(fragments->by_key);
    g_free(fragments);
}

static void datagram_remove(struct fragments *fragments, struct datagram *d)
{
    g_queue_unlink(&fragments->by_age, &d->link);
    g_hash_table_remove(fragments->by_key, &d->key);
}

/** Gives a datagram up; the fragments it had so far are counted. */
static void datagram_drop(struct whyrst_decoder *decoder, struct datagram *d,
                          enum whyrst_skip reason)
{
    decoder_skip(decoder, reason, d->pieces->len);
    datagram_remove(decoder_fragments(decoder), d);
}

static struct datagram *oldest(const struct fragments *fragments)
{
    return fragments->by_age.head ? fragments->by_age.head->data : NULL;
}

/** fragments_finish() - the capture has ended: gives up all that wait */
void fragments_finish(struct whyrst_decoder *decoder)
{
    struct datagram *d;

    while ((d = oldest(decoder_fragments(decoder)))) {
        datagram_drop(decoder, d, WHYRST_SKIP_FRAGMENT);
    }
}

static bool is_expired(const struct datagram *d, int64_t now)
{
    int64_t age;

    return __builtin_sub_overflow(now, d->started, &age) ||
           age > LIMIT_FRAGMENT_SECONDS * INT64_C(1000000000);
}

static void expire(struct whyrst_decoder *decoder, int64_t now)
{
    struct datagram *d;

    while ((d = oldest(decoder_fragments(decoder))) && is_expired(d, now)) {
        datagram_drop(decoder, d, WHYRST_SKIP_FRAGMENT);
    }
}

static void make_key(struct key *key, const struct packet *p, const struct fragment *fragment)
{
    const struct whyrst_segment *segment = &p->segments[p->count];

    memset(key, 0, sizeof *key);
    memcpy(key->source, segment->source, sizeof key->source);
    memcpy(key->destination, segment->destination, sizeof key->destination);
    key->id = fragment->id;
    key->vlan = p->vlan;
    key->protocol = fragment->protocol;
    key->ip_version = segment->ip_version;
}

static struct datagram *find_or_add(struct packet *p, const struct fragment *fragment)
{
    struct fragments *fragments = decoder_fragments(p->decoder);
    struct datagram *d;
    struct key key;

    make_key(&key, p, fragment);
    d = g_hash_table_lookup(fragments->by_key, &key);
    if (!d) {
        if (fragments->by_age.length >= LIMIT_FRAGMENT_DATAGRAMS) {
            datagram_drop(p->decoder, oldest(fragments), WHYRST_SKIP_FRAGMENT_CAP);
        }
        d = g_new0(struct datagram, 1);
        d->key = key;
        d->started = p->frame->time_ns;
        d->pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
        g_array_set_clear_func(d->pieces, piece_clear);
        d->link.data = d;
        g_queue_push_tail_link(&fragments->by_age, &d->link);
        g_hash_table_insert(fragments->by_key, &d->key, d);
    }
    return d;
}

/** Puts the rest of the packet at its place: behind all pieces that do not begin later. */
static void add_piece(struct datagram *d, const struct packet *p, const struct fragment *fragment)
{
    uint32_t length = (uint32_t)packet_left(p);
    struct piece piece = {.offset = fragment->offset, .length = length};
    guint at = d->pieces->len;

    while (at && g_array_index(d->pieces, struct piece, at - 1).offset > piece.offset) {
        at--;
    }
    piece.bytes = g_memdup2(p->c.at, length);
    g_array_insert_val(d->pieces, at, piece);
    d->bytes += length;
    if (!fragment->more && !d->total) {
        d->total = fragment->offset + length;
    }
}

static bool is_complete(const struct datagram *d)
{
    uint32_t reached = 0;

    if (!d->total || d->bytes < d->total) {
        return false;
    }
    for (guint i = 0; i < d->pieces->len && reached < d->total; i++) {
        const struct piece *piece = &g_array_index(d->pieces, struct piece, i);

        if (piece->offset > reached) {
            return false;
        }
        reached = MAX(reached, piece->offset + piece->length);
    }
    return reached >= d->total;
}

/** The bytes of a complete datagram, newly allocated. */
static uint8_t *assemble(const struct datagram *d)
{
    uint8_t *whole = g_malloc(d->total);
    uint32_t reached = 0;

    for (guint i = 0; i < d->pieces->len && reached < d->total; i++) {
        const struct piece *piece = &g_array_index(d->pieces, struct piece, i);
        uint32_t end = MIN(piece->offset + piece->length, d->total);

        if (end > reached) {
            memcpy(whole + reached, piece->bytes + (reached - piece->offset), end - reached);
            reached = end;
        }
    }
    return whole;
}

/**
 * fragments_add() - takes the rest of the packet as a fragment
 *
 * Returns true when it completes its datagram: the packet then goes on with the datagram's whole
 * payload. Otherwise the packet is stopped, without a reason if the fragment waits for others.
 */
bool fragments_add(struct packet *p, const struct fragment *fragment)
{
    uint32_t length = (uint32_t)packet_left(p);
    struct datagram *d;

    expire(p->decoder, p->frame->time_ns);
    if (length == 0 || fragment->offset + length > LIMIT_FRAGMENT_BYTES) {
        packet_stop(p, WHYRST_SKIP_MALFORMED);
        return false;
    }
    d = find_or_add(p, fragment);
    if (d->pieces->len >= LIMIT_FRAGMENT_PIECES ||
        d->bytes + length > LIMIT_FRAGMENT_OVERLAPS * LIMIT_FRAGMENT_BYTES) {
        datagram_drop(p->decoder, d, WHYRST_SKIP_FRAGMENT_CAP);
        packet_stop(p, WHYRST_SKIP_FRAGMENT_CAP);
        return false;
    }
    add_piece(d, p, fragment);
    if (!is_complete(d)) {
        packet_stop(p, SKIP_NOT_NOW);
        return false;
    }
    p->wire = d->total;
    p->c = cursor_make(assemble(d), d->total);
    decoder_hold(p->decoder, (uint8_t *)p->c.at);
    datagram_remove(decoder_fragments(p->decoder), d);
    return true;
}
