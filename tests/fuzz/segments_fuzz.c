/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment sequences through the engine. Six bytes make a segment: which of four connections and
 * which side, flags, how sequence and acknowledgement numbers relate to what went before, payload
 * length, the time since the last one; payload bytes follow from the input as well, and before
 * them, where a bit says so, TCP options. Numbers near the right ones reach deeper than random
 * ones, and odd ones come often enough. Target functions: whyrst_engine_add, whyrst_engine_next,
 * whyrst_engine_finish, whyrst_record_get. Invariants: counters add up, every RST comes out once
 * and in order, texts are valid UTF-8.
 */
#include <string.h>

#include <glib.h>

#include <whyrst/engine.h>

#include "fuzz.h"

/* What the generator remembers of a side: numbers that would be right now. */
struct side {
    uint32_t next;
    uint32_t ack;
};

struct world {
    struct whyrst_engine *engine;
    struct side sides[4][2];
    int64_t now;
    uint64_t frame;
    uint64_t added;
    uint64_t resets;
    uint64_t reported;
    uint64_t last_frame;
};

static uint32_t near(uint32_t right, uint8_t choice)
{
    static const int32_t offsets[] = {0, 0, 0, 0, -1, 1, 1000, -1000};

    return choice < 0xf0 ? right + (uint32_t)offsets[choice % G_N_ELEMENTS(offsets)]
                         : (uint32_t)choice * 0x01010101u;
}

static void read_all(const struct whyrst_record *record)
{
    char summary[64];

    for (int field = 0; field < WHYRST_FIELD_COUNT; field++) {
        struct whyrst_value value;

        if (!whyrst_record_get(record, (enum whyrst_field)field, &value)) {
            continue;
        }
        if (value.type == WHYRST_TYPE_STRING || value.type == WHYRST_TYPE_ADDRESS) {
            require(value.string[0] && g_utf8_validate(value.string, -1, NULL));
        }
        for (size_t i = 0; value.type == WHYRST_TYPE_STRINGS && i < value.count; i++) {
            require(g_utf8_validate(value.strings[i], -1, NULL));
        }
    }
    require(strlen(whyrst_record_summary(record, summary, sizeof summary)) < sizeof summary);
}

static void drain(struct world *world)
{
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(world->engine))) {
        require(whyrst_record_is_final(record));
        read_all(record);
        if (whyrst_record_kind(record) == WHYRST_RECORD_RST) {
            require(whyrst_record_frame(record) > world->last_frame);
            world->last_frame = whyrst_record_frame(record);
            world->reported++;
        }
        whyrst_record_unref(record);
    }
}

/* Options before the payload: their length, then themselves. */
static void take_options(struct whyrst_segment *segment)
{
    uint32_t length;

    if (segment->payload_captured == 0) {
        return;
    }
    length = MIN(segment->payload[0] % 41u, segment->payload_captured - 1);
    segment->options = segment->payload + 1;
    segment->options_length = (uint8_t)length;
    segment->payload += 1 + length;
    segment->payload_captured -= 1 + length;
    segment->payload_length -= 1 + length;
}

static void add(struct world *world, const uint8_t *step, const uint8_t *payload, uint32_t captured)
{
    unsigned conn = step[0] & 3;
    unsigned from = step[0] >> 2 & 1;
    struct side *sender = &world->sides[conn][from];
    struct side *receiver = &world->sides[conn][!from];
    struct whyrst_segment segment = {.frame = ++world->frame,
                                     .ip_version = conn < 2 ? 4 : 6,
                                     .ttl = step[0] & 8 ? 64 : 57,
                                     .quoted = (step[0] & 0xf0) == 0xf0,
                                     .flags = step[1],
                                     .window = (uint16_t)(step[4] << 8),
                                     .ip_id = (uint16_t)(step[0] & 0x10 ? world->frame : 0)};
    struct whyrst_record *record;

    /* Mostly forwards, up to minutes; now and then backwards. */
    world->now += step[5] == 0xff ? -INT64_C(5000000) : (int64_t)step[5] * step[5] * 4000000;
    segment.time_ns = world->now;
    segment.source[0] = (uint8_t)(10 + from);
    segment.destination[0] = (uint8_t)(10 + !from);
    segment.source_port = from ? 443 : (uint16_t)(50000 + conn);
    segment.destination_port = from ? (uint16_t)(50000 + conn) : 443;
    segment.seq = near(sender->next, step[2]);
    segment.ack = near(sender->ack, step[3]);
    segment.payload = payload;
    segment.payload_captured = captured;
    segment.payload_length = captured + (step[4] & 0x80 ? 100u : 0);
    if (step[0] & 0x20) {
        take_options(&segment);
    }
    sender->next = segment.seq + segment.payload_length + !!(step[1] & WHYRST_TCP_SYN) +
                   !!(step[1] & WHYRST_TCP_FIN);
    receiver->ack = sender->next;
    record = whyrst_engine_add(world->engine, &segment);
    world->added++;
    if (record && whyrst_record_kind(record) == WHYRST_RECORD_RST) {
        world->resets++;
        read_all(record);
    }
    drain(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct whyrst_options options = {.max_connections = 3, .connection_records = true};
    struct world world = {.engine = whyrst_engine_new(&options), .now = 1};

    for (int i = 0; i < 4; i++) {
        world.sides[i][0].next = UINT32_MAX - 500; /* wraps soon */
        world.sides[i][1].next = 1000;
    }
    while (size >= 6) {
        uint32_t captured = (uint32_t)MIN(data[4] & 0x7fu, size - 6);

        add(&world, data, data + 6, captured);
        data += 6 + captured;
        size -= 6 + captured;
    }
    whyrst_engine_finish(world.engine);
    drain(&world);
    require(world.resets == world.reported);
    require(whyrst_engine_count(world.engine, WHYRST_COUNT_SEGMENTS) +
                whyrst_engine_count(world.engine, WHYRST_COUNT_DUPLICATES) +
                whyrst_engine_count(world.engine, WHYRST_COUNT_QUOTED) ==
            world.added);
    whyrst_engine_free(world.engine);
    return 0;
}
