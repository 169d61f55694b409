/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headers promise of records: how long values live, how much a summary writes. */
#include <string.h>

#include <glib.h>

#include <whyrst/engine.h>

#define MS INT64_C(1000000)

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

static struct whyrst_record *add(struct whyrst_engine *engine, uint64_t frame, bool from_server,
                                 uint8_t flags, uint32_t seq, uint32_t ack, const char *payload)
{
    uint32_t length = payload ? (uint32_t)strlen(payload) : 0;
    struct whyrst_segment segment = {
        .time_ns = (int64_t)(frame & 0xff) * MS,
        .frame = frame,
        .payload = (const uint8_t *)payload,
        .payload_captured = length,
        .payload_length = length,
        .ip_version = 4,
        .source = {10, 0, 0, from_server ? 2 : 1},
        .destination = {10, 0, 0, from_server ? 1 : 2},
        .source_port = from_server ? 80 : 40000,
        .destination_port = from_server ? 40000 : 80,
        .seq = seq,
        .ack = ack,
        .window = 502,
        .ip_id = (uint16_t)frame,
        .flags = flags,
        .ttl = 64,
    };

    return whyrst_engine_add(engine, &segment);
}

/* A server that resets instead of answering; the record of its RST, which is number @first + 4. */
static struct whyrst_record *reset_request(struct whyrst_engine *engine, uint64_t first)
{
    add(engine, first, false, WHYRST_TCP_SYN, 100, 0, NULL);
    add(engine, first + 1, true, WHYRST_TCP_SYN | WHYRST_TCP_ACK, 500, 101, NULL);
    add(engine, first + 2, false, WHYRST_TCP_ACK, 101, 501, NULL);
    add(engine, first + 3, false, WHYRST_TCP_PSH | WHYRST_TCP_ACK, 101, 501, request);
    return add(engine, first + 4, true, WHYRST_TCP_RST | WHYRST_TCP_ACK, 501, 128, NULL);
}

/* Each call weighs a provisional verdict anew; the texts that it gave out before stay. */
static void test_values_of_provisional_records_live_on(void)
{
    struct whyrst_engine *engine = whyrst_engine_new(NULL);
    struct whyrst_record *record = reset_request(engine, 1);
    struct whyrst_value evidence;
    struct whyrst_value advice;
    struct whyrst_value again;

    g_assert_false(whyrst_record_is_final(record));
    g_assert_true(whyrst_record_get(record, WHYRST_FIELD_EVIDENCE, &evidence));
    g_assert_true(whyrst_record_get(record, WHYRST_FIELD_ADVICE, &advice));
    g_assert_true(whyrst_record_get(record, WHYRST_FIELD_EVIDENCE, &again));
    g_assert_true(evidence.strings[0] == again.strings[0]);
    g_assert_nonnull(strstr(evidence.strings[0], "27 bytes"));
    g_assert_nonnull(strstr(advice.string, "GET"));
    whyrst_engine_free(engine);
}

static void test_summary_keeps_to_its_buffer(void)
{
    struct whyrst_engine *engine = whyrst_engine_new(NULL);
    const struct whyrst_record *record = reset_request(engine, 1);
    char buffer[] = "untouched";

    g_assert_true(whyrst_record_summary(record, buffer, 0) == buffer);
    g_assert_cmpstr(buffer, ==, "untouched");
    g_assert_cmpstr(whyrst_record_summary(record, buffer, 1), ==, "");
    g_assert_cmpstr(whyrst_record_summary(record, buffer, 4), ==, "awa");
    g_assert_cmpstr(buffer + 4, ==, "uched");
    whyrst_engine_free(engine);
}

/* Captures from a pipe grow beyond 2^32 frames: a RST captured twice is told twice there, too. */
static void test_frames_beyond_32_bits(void)
{
    const uint64_t first = (UINT64_C(1) << 32) + 1;
    struct whyrst_engine *engine = whyrst_engine_new(NULL);
    struct whyrst_record *record = reset_request(engine, first);

    g_assert_cmpuint(whyrst_record_frame(record), ==, first + 4);
    record = add(engine, first + 4, true, WHYRST_TCP_RST | WHYRST_TCP_ACK, 501, 128, NULL);
    g_assert_nonnull(record);
    g_assert_cmpuint(whyrst_engine_count(engine, WHYRST_COUNT_DUPLICATES), ==, 1);
    whyrst_engine_free(engine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/values-live-on", test_values_of_provisional_records_live_on);
    g_test_add_func("/record/summary-keeps-to-its-buffer", test_summary_keeps_to_its_buffer);
    g_test_add_func("/record/frames-beyond-32-bits", test_frames_beyond_32_bits);
    return g_test_run();
}
