/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several engines in several threads: each must say what it says alone. The point is the build with
 * -DWHYRST_SANITIZE=thread, in which any sharing between engines shows; so are leaks in one with
 * AddressSanitizer.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include <whyrst/causes.h>
#include <whyrst/engine.h>

#define THREADS     4
#define CONNECTIONS 400
#define MS          INT64_C(1000000)

/** struct talk - one thread's capture: its engine, what it has said, and the clock */
struct talk {
    struct whyrst_engine *engine;
    GString *said;
    uint64_t frame;
    unsigned number; /* of the thread; changes nothing but the pace */
};

static const uint8_t request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const uint8_t hello[] = {
    0x16, 3,    1, 0, 0x2f, 1, 0, 0, 0x2b, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0,    1,    2, 3, 4, 5, 6,
    7,    8,    9, 0, 1,    2, 3, 4, 5,    6, 7, 8, 9, 0, 1, 2, 0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0,
};

static void add(struct talk *talk, unsigned connection, bool from_server, uint8_t flags,
                uint32_t seq, uint32_t ack, const uint8_t *payload, uint32_t length)
{
    struct whyrst_segment segment = {
        .time_ns = (int64_t)++talk->frame * MS,
        .frame = talk->frame,
        .payload = payload,
        .payload_captured = length,
        .payload_length = length,
        .ip_version = 4,
        .source = {10, 0, 0, from_server ? 2 : 1},
        .destination = {10, 0, 0, from_server ? 1 : 2},
        .source_port = (uint16_t)(from_server ? 443 : 1024 + connection),
        .destination_port = (uint16_t)(from_server ? 1024 + connection : 443),
        .seq = seq,
        .ack = ack,
        .window = 502,
        .flags = flags,
        .ttl = 64,
    };

    whyrst_engine_add(talk->engine, &segment);
}

static void converse(struct talk *talk, unsigned connection)
{
    const uint8_t *payload = connection % 2 ? hello : request;
    uint32_t length = connection % 2 ? sizeof hello : sizeof request - 1;

    add(talk, connection, false, WHYRST_TCP_SYN, 100, 0, NULL, 0);
    if (connection % 3 == 0) {
        add(talk, connection, true, WHYRST_TCP_RST | WHYRST_TCP_ACK, 0, 101, NULL, 0);
        return;
    }
    add(talk, connection, true, WHYRST_TCP_SYN | WHYRST_TCP_ACK, 900, 101, NULL, 0);
    add(talk, connection, false, WHYRST_TCP_ACK, 101, 901, NULL, 0);
    add(talk, connection, false, WHYRST_TCP_PSH | WHYRST_TCP_ACK, 101, 901, payload, length);
    add(talk, connection, true, WHYRST_TCP_RST | WHYRST_TCP_ACK, 901, 101 + length, NULL, 0);
}

static void note_value(GString *said, const struct whyrst_value *value)
{
    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        g_string_append(said, value->string);
        break;
    case WHYRST_TYPE_STRINGS:
        for (size_t i = 0; i < value->count; i++) {
            g_string_append(said, value->strings[i]);
        }
        break;
    default:
        g_string_append_printf(said, "%" G_GUINT64_FORMAT "/%" G_GINT64_FORMAT, value->integer,
                               value->time_ns);
    }
    g_string_append_c(said, ' ');
}

static uint64_t as_it_is(void *context, uint64_t number, const char **name)
{
    (void)context;
    (void)name;
    return number;
}

static void note_records(struct talk *talk)
{
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(talk->engine))) {
        struct whyrst_record *copy = whyrst_record_renumber(record, as_it_is, NULL);
        char summary[200];

        for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
            struct whyrst_value value;

            if (whyrst_record_get(copy, (enum whyrst_field)i, &value)) {
                note_value(talk->said, &value);
            }
        }
        g_string_append(talk->said, whyrst_record_summary(record, summary, sizeof summary));
        g_string_append_c(talk->said, '\n');
        whyrst_record_unref(copy);
        whyrst_record_unref(record);
    }
}

static void *run(void *data)
{
    const struct whyrst_options options = {.connection_records = true};
    struct talk talk = {.number = GPOINTER_TO_UINT(data)};

    talk.engine = whyrst_engine_new(&options);
    talk.said = g_string_new(NULL);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        converse(&talk, i);
        note_records(&talk);
        if (i % (talk.number + 1) == 0) {
            g_thread_yield();
        }
    }
    whyrst_engine_finish(talk.engine);
    note_records(&talk);
    whyrst_engine_free(talk.engine);
    for (size_t i = 0; i < whyrst_cause_count(); i++) {
        g_string_append(talk.said, whyrst_cause_info(i)->name);
    }
    return g_string_free(talk.said, FALSE);
}

static void test_engines_share_nothing(void)
{
    pthread_t threads[THREADS];
    char *alone;

    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint(pthread_create(&threads[i], NULL, run, GUINT_TO_POINTER(i)), ==, 0);
    }
    alone = run(NULL);
    g_assert_nonnull(strstr(alone, "refused-handshake"));
    g_assert_nonnull(strstr(alone, "tls-phase"));
    for (unsigned i = 0; i < THREADS; i++) {
        void *said;

        pthread_join(threads[i], &said);
        g_assert_cmpstr((const char *)said, ==, alone);
        g_free(said);
    }
    g_free(alone);
}

int main(int argc, char **argv)
{
    /* GLib's own allocator hides from ThreadSanitizer that memory changes hands; it is chosen before
     * main(). */
    if (!g_getenv("G_SLICE")) {
        g_setenv("G_SLICE", "always-malloc", TRUE);
        execv("/proc/self/exe", argv);
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/threads/engines-share-nothing", test_engines_share_nothing);
    return g_test_run();
}
