/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a dissected frame to TCP segments. The only file that reads what other dissectors found.
 *
 * Theory of operation. Wireshark has peeled link layers, tunnels, encryption and IP fragments; what
 * is taken from it is only *where* the IP and TCP headers are. Their values are read from the raw
 * bytes by the library's own decoder, the one that the command-line tool uses, so that both
 * programs see the same segments. Asking for these few items ("wanted hfids") makes Wireshark build
 * a tree in the first pass; it does not keep them in later passes, when nothing here is called.
 *
 * Three things need care:
 *  - the payload ends where the IP packet ends, not where the bytes end (Ethernet padding), or
 *    before that, at an ESP trailer;
 *  - a datagram put together from fragments is in a byte buffer (tvb) of its own, without its IP
 *    header, and so is one that was decrypted;
 *  - TCP headers quoted by ICMP errors are items like any other.
 */
#include "segments.h"

#include <whyrst/decode.h>

#define IPV6_HEADER_LENGTH 40u
#define NANOSECONDS        INT64_C(1000000000)

enum item { ITEM_IP, ITEM_IPV6, ITEM_TCP, ITEM_ESP_PAD_LEN, ITEM_ICMP, ITEM_ICMPV6, ITEM_COUNT };

static const char *const item_names[ITEM_COUNT] = {
    [ITEM_IP] = "ip",     [ITEM_IPV6] = "ipv6",
    [ITEM_TCP] = "tcp",   [ITEM_ESP_PAD_LEN] = "esp.pad_len",
    [ITEM_ICMP] = "icmp", [ITEM_ICMPV6] = "icmpv6",
};
static int item_ids[ITEM_COUNT];

/**
 * segments_register - tells Wireshark which items it must find for the post-dissector @handle
 */
void segments_register(dissector_handle_t handle)
{
    GArray *wanted = g_array_new(FALSE, FALSE, sizeof item_ids[0]);

    for (unsigned i = 0; i < ITEM_COUNT; i++) {
        item_ids[i] = proto_registrar_get_id_byname(item_names[i]);
        if (item_ids[i] != -1) {
            g_array_append_val(wanted, item_ids[i]);
        }
    }
    set_postdissector_wanted_hfids(handle, wanted);
}

/* The frame's items of one kind, in the order in which they were dissected; NULL for none. */
static const GPtrArray *items(proto_tree *tree, enum item item)
{
    return item_ids[item] == -1 ? NULL : proto_get_finfo_ptr_array(tree, item_ids[item]);
}

static guint item_count(const GPtrArray *array)
{
    return array ? array->len : 0;
}

/* The bytes of @finfo's buffer from where @finfo begins; @captured says how many there are. */
static const uint8_t *item_bytes(const field_info *finfo, uint32_t *captured)
{
    uint32_t length = finfo->ds_tvb ? tvb_captured_length(finfo->ds_tvb) : 0;

    if (finfo->start < 0 || (uint32_t)finfo->start >= length) {
        *captured = 0;
        return NULL;
    }
    *captured = length - (uint32_t)finfo->start;
    return tvb_get_ptr(finfo->ds_tvb, finfo->start, (int)*captured);
}

/*
 * How well the IP header @ip fits as the carrier of @tcp: the nearest one before it in the same
 * buffer; failing that (reassembled, decrypted) the innermost layer outside it. Below 0: not at
 * all.
 */
static int64_t carrier_rank(const field_info *ip, const field_info *tcp)
{
    if (ip->ds_tvb == tcp->ds_tvb) {
        return ip->start < tcp->start ? (INT64_C(1) << 32) + ip->start : -1;
    }
    return ip->total_layer_num < tcp->total_layer_num ? ip->total_layer_num : -1;
}

static const field_info *find_carrier(proto_tree *tree, const field_info *tcp)
{
    static const enum item kinds[] = {ITEM_IP, ITEM_IPV6};
    const field_info *best = NULL;
    int64_t best_rank = -1;

    for (unsigned kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        const GPtrArray *array = items(tree, kinds[kind]);
        for (guint i = 0; i < item_count(array); i++) {
            int64_t rank = carrier_rank(array->pdata[i], tcp);
            if (rank > best_rank) {
                best_rank = rank;
                best = array->pdata[i];
            }
        }
    }
    return best;
}

/*
 * Marks a segment that an ICMP error quotes, and what that says of the destination. Dissectors
 * reset their "in an error packet" flag when they are done: the place must tell.
 */
static void note_quote(struct whyrst_segment *segment, proto_tree *tree, const field_info *tcp)
{
    static const struct {
        enum item item;
        unsigned ip_version;
    } kinds[] = {{ITEM_ICMP, 4}, {ITEM_ICMPV6, 6}};

    for (unsigned kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        const GPtrArray *array = items(tree, kinds[kind].item);
        for (guint i = 0; i < item_count(array); i++) {
            const field_info *icmp = array->pdata[i];
            if (icmp->ds_tvb == tcp->ds_tvb && icmp->start <= tcp->start &&
                tcp->start - icmp->start < icmp->length) {
                uint16_t head = tvb_get_ntohs(icmp->ds_tvb, icmp->start); /* type and code */
                segment->quoted = true;
                segment->unreachable = (uint8_t)whyrst_decode_unreachable(
                    kinds[kind].ip_version, (uint8_t)(head >> 8), (uint8_t)head);
            }
        }
    }
}

/* Length of the IP packet by its header; 0 when the header leaves it open: a total length of 0 is
 * segmentation offload, a payload length of 0 a jumbogram. */
static uint32_t ip_packet_length(const field_info *ip, unsigned version)
{
    if (version == 4) {
        return tvb_get_ntohs(ip->ds_tvb, ip->start + 2);
    }
    uint32_t length = tvb_get_ntohs(ip->ds_tvb, ip->start + 4);
    return length ? IPV6_HEADER_LENGTH + length : 0;
}

/* Bytes of TCP header and payload that were on the wire: never more than the frame had room for. */
static uint32_t tcp_length(const field_info *tcp, const field_info *ip, unsigned version)
{
    uint32_t rest = tvb_reported_length(tcp->ds_tvb) - (uint32_t)tcp->start;
    uint32_t before = (uint32_t)(tcp->start - ip->start);
    uint32_t total = ip->ds_tvb == tcp->ds_tvb ? ip_packet_length(ip, version) : 0;

    if (total == 0) {
        return rest;
    }
    return total > before ? MIN(total - before, rest) : 0;
}

/*
 * Where ESP was read, its trailer follows the payload: padding, the padding's length, what else.
 * The carrier's length counts it, or does not bound the buffer that was decrypted.
 */
static uint32_t without_trailer(proto_tree *tree, const field_info *tcp, uint32_t length)
{
    const GPtrArray *array = items(tree, ITEM_ESP_PAD_LEN);

    for (guint i = 0; i < item_count(array); i++) {
        field_info *item = array->pdata[i];
        if (item->ds_tvb == tcp->ds_tvb && item->start > tcp->start) {
            uint32_t before = (uint32_t)(item->start - tcp->start);
            uint32_t padding = fvalue_get_uinteger(RST_FIELD_VALUE(item));
            length = MIN(length, before > padding ? before - padding : 0);
        }
    }
    return length;
}

/* A damaged capture may hold any time: what does not fit is the latest or earliest that does. */
static int64_t nanoseconds(const nstime_t *time)
{
    const int64_t limit = INT64_MAX / NANOSECONDS;

    if (time->secs >= limit) {
        return INT64_MAX;
    }
    return time->secs <= -limit ? INT64_MIN : time->secs * NANOSECONDS + time->nsecs;
}

/* Fills @segment from the TCP item @tcp; false when its headers are missing or cut. */
static bool read_segment(struct whyrst_segment *segment, packet_info *pinfo, proto_tree *tree,
                         const field_info *tcp)
{
    uint32_t ip_captured, tcp_captured;
    const uint8_t *tcp_bytes = item_bytes(tcp, &tcp_captured);
    const field_info *ip = find_carrier(tree, tcp);
    const uint8_t *ip_bytes = ip ? item_bytes(ip, &ip_captured) : NULL;

    if (!ip_bytes || !tcp_bytes || whyrst_decode_ip(segment, ip_bytes, ip_captured) == 0) {
        return false;
    }
    uint32_t length = without_trailer(tree, tcp, tcp_length(tcp, ip, segment->ip_version));
    uint32_t captured = MIN(tcp_captured, length);
    bool whole = whyrst_decode_tcp(segment, tcp_bytes, captured, length);
    note_quote(segment, tree, tcp);
    if (!whole && !(segment->quoted && whyrst_decode_tcp_brief(segment, tcp_bytes, captured))) {
        return false;
    }
    segment->frame = pinfo->num;
    segment->time_ns = nanoseconds(&pinfo->abs_ts);
    return true;
}

/**
 * segments_each - calls @function with each TCP segment of the frame, from the outermost inwards
 *
 * For the first pass only, with the tree that Wireshark has built for the wanted items.
 */
void segments_each(packet_info *pinfo, proto_tree *tree, segment_function function, void *user)
{
    const GPtrArray *array = tree ? items(tree, ITEM_TCP) : NULL;

    for (guint i = 0; i < item_count(array); i++) {
        struct whyrst_segment segment = {0};
        if (read_segment(&segment, pinfo, tree, array->pdata[i])) {
            function(&segment, user);
        }
    }
}
