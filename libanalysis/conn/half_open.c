/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/half_open.h"

#include <string.h>

#include "conn/baseline.h"

enum {
    BITS_WSCALE = 0x0f,
    BITS_MSS = 1 << 4,
    BITS_TIMESTAMPS = 1 << 5,
    BITS_DF = 1 << 6,
    BITS_SIDE = 1 << 7,
};

#define WSCALE_NONE 0x0f
#define TIME_BITS   47
#define TIME_MAX    ((INT64_C(1) << TIME_BITS) - 1)
#define TIME_ZMAP   (UINT64_C(1) << TIME_BITS)

static uint64_t read_time(const struct half_open *entry)
{
    return (uint64_t)entry->time[2] << 32 | (uint32_t)entry->time[1] << 16 | entry->time[0];
}

bool half_open_fill(struct half_open *entry, const struct whyrst_segment *segment, unsigned side,
                    uint32_t stream, int64_t start_ns)
{
    int64_t since_ns = segment->time_ns - start_ns;
    struct tcp_options options;
    uint64_t time;

    if (segment->flags != WHYRST_TCP_SYN || segment->ip_version != 4 || segment->payload_length ||
        segment->ack || segment->tos || since_ns < 0 || since_ns > TIME_MAX ||
        segment->frame > UINT32_MAX || !segment->source_port || !segment->destination_port) {
        return false;
    }
    options = tcp_options_read(segment);
    time = (uint64_t)since_ns | (segment->ip_id == CONN_IP_ID_ZMAP ? TIME_ZMAP : 0);
    entry->seq = segment->seq;
    entry->frame = (uint32_t)segment->frame;
    entry->stream = stream;
    entry->time[0] = (uint16_t)time;
    entry->time[1] = (uint16_t)(time >> 16);
    entry->time[2] = (uint16_t)(time >> 32);
    entry->window = segment->window;
    entry->stamp = conn_stamp(segment, &options);
    entry->ttl = segment->ttl;
    entry->bits =
        (uint8_t)((options.wscale == 0xff ? WSCALE_NONE : options.wscale) |
                  (options.mss ? BITS_MSS : 0) | (options.timestamps ? BITS_TIMESTAMPS : 0) |
                  (segment->dont_fragment ? BITS_DF : 0) | (side ? BITS_SIDE : 0));
    return true;
}

unsigned half_open_side(const struct half_open *entry)
{
    return entry->bits & BITS_SIDE ? 1 : 0;
}

int64_t half_open_time(const struct half_open *entry, int64_t start_ns)
{
    return start_ns + (int64_t)(read_time(entry) & (uint64_t)TIME_MAX);
}

/* What a SYN's options are asked about; the values of MSS and timestamps are not among that. */
static struct tcp_options read_options(const struct half_open *entry)
{
    struct tcp_options options = TCP_OPTIONS_NONE;

    options.mss = entry->bits & BITS_MSS ? 1 : 0;
    options.timestamps = entry->bits & BITS_TIMESTAMPS;
    if ((entry->bits & BITS_WSCALE) != WSCALE_NONE) {
        options.wscale = entry->bits & BITS_WSCALE;
    }
    return options;
}

void half_open_unfold(struct conn_context *context, const struct half_open *entry, int64_t start_ns,
                      struct conn *conn)
{
    unsigned side = half_open_side(entry);
    struct flow_key key = flow_key_lengthen(&entry->key);
    struct tcp_options options = read_options(entry);
    struct whyrst_segment segment = {
        .time_ns = half_open_time(entry, start_ns),
        .frame = entry->frame,
        .ip_version = 4,
        .dont_fragment = entry->bits & BITS_DF,
        .source_port = key.port[side],
        .destination_port = key.port[!side],
        .seq = entry->seq,
        .window = entry->window,
        .ip_id = read_time(entry) & TIME_ZMAP ? CONN_IP_ID_ZMAP : 0,
        .flags = WHYRST_TCP_SYN,
        .ttl = entry->ttl,
    };
    struct conn_event event = {0};

    memcpy(segment.source, key.address[side], sizeof segment.source);
    memcpy(segment.destination, key.address[!side], sizeof segment.destination);
    conn_init(conn, &key, side, entry->stream);
    conn_note_base(conn, side, &segment);
    conn_segment(context, conn, side, &segment, &options, &event);
    ring_get(context->ring, conn->recent)->stamp = entry->stamp;
}
