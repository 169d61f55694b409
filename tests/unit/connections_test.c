/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who goes when there is no room: scans and floods rather than what lives; and that none is lost.
 */
#include <glib.h>

#include <whyrst/engine.h>
#include <whyrst/finding.h>
#include <whyrst/record.h>

#define ROOM 100u

static struct whyrst_segment segment(uint32_t client, bool from_client, uint8_t flags, uint32_t seq,
                                     uint32_t ack)
{
    static uint64_t frames;
    uint64_t frame = ++frames;
    struct whyrst_segment s = {.time_ns = (int64_t)frame * 1000,
                               .frame = frame,
                               .ip_version = 4,
                               .source_port = from_client ? 40000 : 443,
                               .destination_port = from_client ? 443 : 40000,
                               .seq = seq,
                               .ack = ack,
                               .window = 1000,
                               .flags = flags,
                               .ttl = 64};
    uint8_t *end = from_client ? s.source : s.destination;
    uint8_t *server = from_client ? s.destination : s.source;

    end[0] = 10;
    end[1] = (uint8_t)(client >> 16);
    end[2] = (uint8_t)(client >> 8);
    end[3] = (uint8_t)client;
    server[0] = 192;
    server[2] = 2;
    server[3] = 1;
    return s;
}

static void add(struct whyrst_engine *engine, struct whyrst_segment s)
{
    whyrst_engine_add(engine, &s);
}

static void shake_hands(struct whyrst_engine *engine, uint32_t client)
{
    add(engine, segment(client, true, WHYRST_TCP_SYN, 100, 0));
    add(engine, segment(client, false, WHYRST_TCP_SYN | WHYRST_TCP_ACK, 500, 101));
    add(engine, segment(client, true, WHYRST_TCP_ACK, 101, 501));
}

/* A flood of SYNs in the middle of a connection's life does not make it forgotten. */
static void test_flood(void)
{
    const uint32_t flood = 10000;
    struct whyrst_options options = {.max_connections = ROOM};
    struct whyrst_engine *engine = whyrst_engine_new(&options);
    struct whyrst_record *record;
    struct whyrst_value value;

    shake_hands(engine, 1);
    for (uint32_t i = 0; i < flood; i++) {
        add(engine, segment(1000 + i, true, WHYRST_TCP_SYN, i, 0));
    }
    add(engine, segment(1, false, WHYRST_TCP_RST | WHYRST_TCP_ACK, 501, 101));
    whyrst_engine_finish(engine);
    record = whyrst_engine_next(engine);
    g_assert_nonnull(record);
    g_assert_true(whyrst_record_get(record, WHYRST_FIELD_SYN_FRAME, &value));
    g_assert_true(whyrst_record_get(record, WHYRST_FIELD_ORIGIN, &value));
    g_assert_cmpstr(value.string, ==, "before-data");
    g_assert_null(whyrst_engine_next(engine));
    g_assert_cmpuint(whyrst_engine_count(engine, WHYRST_COUNT_CONNECTIONS), ==, flood + 1);
    g_assert_cmpuint(whyrst_engine_count(engine, WHYRST_COUNT_EVICTED), ==, flood + 1 - ROOM);
    whyrst_record_unref(record);
    whyrst_engine_free(engine);
}

/* With records of connections wanted, each of the flood has one, in the order of the streams or, of
 * those that had to go, at that moment; none is lost. */
static void test_flood_is_reported(void)
{
    const uint32_t flood = 1000;
    struct whyrst_options options = {.max_connections = ROOM, .connection_records = true};
    struct whyrst_engine *engine = whyrst_engine_new(&options);
    struct whyrst_record *record;
    unsigned count = 0;

    for (uint32_t i = 0; i < flood; i++) {
        add(engine, segment(i, true, WHYRST_TCP_SYN, i, 0));
    }
    whyrst_engine_finish(engine);
    while ((record = whyrst_engine_next(engine))) {
        struct whyrst_value value;

        g_assert_cmpint(whyrst_record_kind(record), ==, WHYRST_RECORD_CONNECTION);
        g_assert_true(whyrst_record_get(record, WHYRST_FIELD_PACKETS, &value));
        g_assert_cmpuint(value.integer, ==, 1);
        g_assert_true(whyrst_record_get(record, WHYRST_FIELD_CLOSE_TYPE, &value));
        g_assert_cmpstr(value.string, ==, "open");
        whyrst_record_unref(record);
        count++;
    }
    g_assert_cmpuint(count, ==, flood);
    whyrst_engine_free(engine);
}

/* A diagnosis of @count refused connections, which nobody has had concluded. */
static struct whyrst_diagnosis *refuse(uint32_t count, void (*end)(struct whyrst_engine *engine))
{
    struct whyrst_engine *engine = whyrst_engine_new(NULL);
    struct whyrst_diagnosis *diagnosis = whyrst_diagnosis_new(NULL, "a.pcap");
    struct whyrst_record *record;

    whyrst_diagnosis_watch(diagnosis, engine);
    for (uint32_t client = 0; client < count; client++) {
        add(engine, segment(client, true, WHYRST_TCP_SYN, client, 0));
        add(engine, segment(client, false, WHYRST_TCP_RST | WHYRST_TCP_ACK, 0, client + 1));
    }
    end(engine);
    while ((record = whyrst_engine_next(engine))) {
        whyrst_record_unref(record);
    }
    whyrst_engine_free(engine);
    return diagnosis;
}

/* What two captures have counted is all there when they are merged, however few or many they are
 * and whichever way their engines ended. */
static void test_merge(void)
{
    struct whyrst_diagnosis *sum = whyrst_diagnosis_new(NULL, NULL);
    struct whyrst_diagnosis *few = refuse(3, whyrst_engine_end);
    struct whyrst_diagnosis *many = refuse(1000, whyrst_engine_finish);
    const struct whyrst_endpoint *server;
    struct whyrst_value value;

    whyrst_diagnosis_merge(sum, few);
    whyrst_diagnosis_merge(sum, many);
    whyrst_diagnosis_conclude(sum);
    server = whyrst_diagnosis_endpoint(sum, 0);
    g_assert_nonnull(server);
    g_assert_null(whyrst_diagnosis_endpoint(sum, 1));
    g_assert_true(whyrst_endpoint_get(server, WHYRST_ENDPOINT_FIELD_REFUSED, &value));
    g_assert_cmpuint(value.integer, ==, 1003);
    whyrst_diagnosis_free(few);
    whyrst_diagnosis_free(many);
    whyrst_diagnosis_free(sum);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connections/flood", test_flood);
    g_test_add_func("/connections/flood-is-reported", test_flood_is_reported);
    g_test_add_func("/connections/merge", test_merge);
    return g_test_run();
}
