/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capture readers: every variant and block type, cut at every length, from files and pipes. */
#include <whyrst/capture.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "capture/clock.h"
#include "hex.h"
#include "limits.h"

/** struct expected - a capture in hex, and what reading it gives, one line for each frame */
struct expected {
    const char *name;
    const char *hex;
    const char *frames; /**< "number time length link-type bytes" */
    enum whyrst_capture_status end;
};

#define LE_HEADER(magic, minor, snap, link) magic "0200" minor "00 00000000 00000000" snap link
#define BE_HEADER(magic, minor, snap, link) magic "0002 00" minor " 00000000 00000000" snap link
#define PLAIN                               LE_HEADER("d4c3b2a1", "04", "ffff0000", "01000000")

static const struct expected pcaps[] = {
    {"little endian",
     PLAIN "01000000 02000000 02000000 40000000 aabb 03000000 00000000 01000000"
           "01000000 cc",
     "1 1.000002000 64 1 aabb\n2 3.000000000 1 1 cc\n", WHYRST_CAPTURE_END},
    {"big endian",
     BE_HEADER("a1b2c3d4", "04", "0000ffff", "00000071") "00000001 00000002 00000002 00000040 aabb",
     "1 1.000002000 64 113 aabb\n", WHYRST_CAPTURE_END},
    {"nanoseconds",
     LE_HEADER("4d3cb2a1", "04", "ffff0000", "01000000") "01000000 02000000 01000000 01000000 aa",
     "1 1.000000002 1 1 aa\n", WHYRST_CAPTURE_END},
    {"nanoseconds, big endian",
     BE_HEADER("a1b23c4d", "04", "0000ffff", "00000001") "00000001 00000002 00000001 00000001 aa",
     "1 1.000000002 1 1 aa\n", WHYRST_CAPTURE_END},
    {"latest time", PLAIN "ffffffff ffffffff 01000000 01000000 aa",
     "1 4294971589.967295000 1 1 aa\n", WHYRST_CAPTURE_END},
    {"FCS length in the link type",
     LE_HEADER("d4c3b2a1", "04", "ffff0000", "01000024") "01000000 00000000 01000000 01000000 aa",
     "1 1.000000000 1 1 aa\n", WHYRST_CAPTURE_END},
    {"DLT_RAW for LINKTYPE_RAW",
     LE_HEADER("d4c3b2a1", "04", "ffff0000", "0c000000") "01000000 00000000 01000000 01000000 aa",
     "1 1.000000000 1 101 aa\n", WHYRST_CAPTURE_END},
    {"reserved bits in the link type", LE_HEADER("d4c3b2a1", "04", "ffff0000", "01000100"), "",
     WHYRST_CAPTURE_UNKNOWN},
    {"version 1", "d4c3b2a1 01000400 00000000 00000000 ffff0000 01000000", "",
     WHYRST_CAPTURE_UNKNOWN},
    {"version 2.2: wire length first",
     LE_HEADER("d4c3b2a1", "02", "ffff0000", "01000000") "01000000 00000000 40000000 02000000 aabb",
     "1 1.000000000 64 1 aabb\n", WHYRST_CAPTURE_END},
    {"version 2.3: either",
     LE_HEADER("d4c3b2a1", "03", "ffff0000", "01000000") "01000000 00000000 40000000 02000000 aabb "
                                                         "01000000 00000000 01000000 40000000 cc",
     "1 1.000000000 64 1 aabb\n2 1.000000000 64 1 cc\n", WHYRST_CAPTURE_END},
    {"AIX",
     LE_HEADER("d4c3b2a1", "02", "ffff0000", "06000000") "01000000 02000000 40000000 02000000 aabb",
     "1 1.000000002 64 1 aabb\n", WHYRST_CAPTURE_END},
    {"AIX FDDI",
     LE_HEADER("d4c3b2a1", "02", "ffff0000",
               "0f000000") "01000000 00000000 43000000 05000000 000000aabb",
     "1 1.000000000 64 10 aabb\n", WHYRST_CAPTURE_END},
    {"Ixia, nanoseconds",
     LE_HEADER("ac01001c", "04", "ffff0000", "01000000") "11000000"
                                                         "01000000 02000000 01000000 01000000 aa",
     "1 1.000000002 1 1 aa\n", WHYRST_CAPTURE_END},
    {"Ixia, microseconds",
     LE_HEADER("ab01001c", "04", "ffff0000", "01000000") "11000000"
                                                         "01000000 02000000 01000000 01000000 aa",
     "1 1.000002000 1 1 aa\n", WHYRST_CAPTURE_END},
    {"no packets", PLAIN, "", WHYRST_CAPTURE_END},
    {"packet too long",
     PLAIN "01000000 00000000 08000000 08000000 ffffffffffffffff"
           "01000000 00000000 01000400 01000400 aa",
     "1 1.000000000 8 1 ffffffffffffffff\n", WHYRST_CAPTURE_CORRUPT},
    {"not a capture", "00112233445566778899", "", WHYRST_CAPTURE_UNKNOWN},
    {"empty", "", "", WHYRST_CAPTURE_UNKNOWN},
};

/** Variants that only their records tell, which takes a file: of a pipe too little may be there. */
static const struct expected guessed[] = {
    {"modified",
     LE_HEADER("34cdb2a1", "04", "ffff0000",
               "01000000") "01000000 02000000 02000000 02000000 02000000 0800 00 00 aabb"
                           "01000000 03000000 02000000 02000000 02000000 0800 04 00 ccdd",
     "1 1.000002000 2 1 aabb\n2 1.000003000 2 1 ccdd\n", WHYRST_CAPTURE_END},
    {"modified, with debugging bytes",
     LE_HEADER("34cdb2a1", "04", "ffff0000",
               "01000000") "01000000 02000000 02000000 02000000 02000000 0800 00 0000000000 aabb"
                           "01000000 03000000 02000000 02000000 02000000 0800 04 0000000000 ccdd"
                           "01000000 03000000 02000000 02000000 02000000 0800 04 0000000000 ccdd",
     "1 1.000002000 2 1 aabb\n2 1.000003000 2 1 ccdd\n3 1.000003000 2 1 ccdd\n",
     WHYRST_CAPTURE_END},
    {"modified, ordinary magic",
     PLAIN "01000000 02000000 02000000 02000000 02000000 0800 00 00 aabb"
           "01000000 03000000 02000000 02000000 02000000 0800 04 00 ccdd",
     "1 1.000002000 2 1 aabb\n2 1.000003000 2 1 ccdd\n", WHYRST_CAPTURE_END},
    {"Nokia",
     PLAIN "01000000 02000000 02000000 02000000 02b6bf9f aabb"
           "01000000 03000000 02000000 02000000 01b6bf9f ccdd",
     "1 1.000002000 2 1 aabb\n2 1.000003000 2 1 ccdd\n", WHYRST_CAPTURE_END},
};

#define SECTION   "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000 "
#define INTERFACE "01000000 14000000 0100 0000 00000000 14000000 "
#define PACKET(id)                                                                                 \
    "06000000 24000000 " id "000000 00000000 40420f00 01000000 40000000 aa000000 24000000 "
#define SHOWN(n)   n " 1.000000000 64 1 aa\n"
#define BE_SECTION "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c "
#define RESOLUTION(r)                                                                              \
    "01000000 20000000 0100 0000 00000000 0900 0100 " r "000000 00000000 20000000 "
#define START SECTION INTERFACE PACKET("00")

static const struct expected pcapngs[] = {
    {"one packet", START, SHOWN("1"), WHYRST_CAPTURE_END},
    {"packet without data",
     SECTION INTERFACE "06000000 20000000 00000000 00000000 00000000 00000000 40000000 20000000",
     "1 0.000000000 64 1 \n", WHYRST_CAPTURE_END},
    {"packet with options",
     SECTION INTERFACE "06000000 30000000 00000000 00000000 40420f00 01000000"
                       "40000000 aa000000 01000400 74657374 00000000 30000000",
     SHOWN("1"), WHYRST_CAPTURE_END},
    {"old packet block",
     SECTION INTERFACE
     "02000000 24000000 0000 0500 00000000 40420f00 01000000 40000000 aa000000 24000000",
     SHOWN("1"), WHYRST_CAPTURE_END},
    {"simple packet block", SECTION INTERFACE "03000000 14000000 02000000 aabb0000 14000000",
     "1 0.000000000 2 1 aabb\n", WHYRST_CAPTURE_END},
    {"simple packet block, cut",
     SECTION "01000000 14000000 0100 0000 01000000 14000000"
             "03000000 14000000 40000000 aa000000 14000000",
     "1 0.000000000 64 1 aa\n", WHYRST_CAPTURE_END},
    {"second section of the other order",
     START BE_SECTION
     "00000001 00000014 0071 0000 00000000 00000014"
     "00000006 00000024 00000000 00000000 000f4240 00000001 00000040 bb000000 00000024" START,
     SHOWN("1") "2 1.000000000 64 113 bb\n" SHOWN("3"), WHYRST_CAPTURE_END},
    {"section of version 1.2",
     "0a0d0d0a 1c000000 4d3c2b1a 0100 0200 ffffffffffffffff 1c000000" INTERFACE PACKET("00"),
     SHOWN("1"), WHYRST_CAPTURE_END},
    {"section of version 2.0",
     START "0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff"
           "1c000000",
     SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"two interfaces",
     SECTION INTERFACE "01000000 14000000 7100 0000 00000000 14000000" PACKET("01"),
     "1 1.000000000 64 113 aa\n", WHYRST_CAPTURE_END},
    {"interface that is not there", START PACKET("01"), SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"section without interfaces", START SECTION PACKET("00"), SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"nanoseconds", SECTION RESOLUTION("09") PACKET("00"), "1 0.001000000 64 1 aa\n",
     WHYRST_CAPTURE_END},
    {"2^-20 seconds", SECTION RESOLUTION("94") PACKET("00"), "1 0.953674316 64 1 aa\n",
     WHYRST_CAPTURE_END},
    {"time offset",
     SECTION "01000000 24000000 0100 0000 00000000 0e00 0800 0a00000000000000"
             "00000000 24000000" PACKET("00"),
     "1 11.000000000 64 1 aa\n", WHYRST_CAPTURE_END},
    {"negative time offset",
     SECTION "01000000 24000000 0100 0000 00000000 0e00 0800"
             "f6ffffffffffffff 00000000 24000000" PACKET("00"),
     "1 -9.000000000 64 1 aa\n", WHYRST_CAPTURE_END},
    {"broken interface options",
     SECTION "01000000 18000000 0100 0000 00000000 0900 ff00 18000000" PACKET("00"), SHOWN("1"),
     WHYRST_CAPTURE_END},
    {"blocks without a number",
     START "04000000 10000000 00000000 10000000"
           "05000000 18000000 00000000 00000000 00000000 18000000"
           "0a000000 14000000 4b534c54 00000000 14000000"
           "07000000 0c000000 0c000000"
           "55000000 0c000000 0c000000"
           "01000080 10000000 00000000 10000000"
           "01020000 0c000000 0c000000"
           "08020000 0c000000 0c000000" PACKET("00"),
     SHOWN("1") SHOWN("2"), WHYRST_CAPTURE_END},
    {"blocks with a number",
     START "09000000 10000000 00000000 10000000"
           "ad0b0000 10000000 39300000 10000000"
           "ad0b0040 10000000 39300000 10000000"
           "04020000 10000000 00000000 10000000"
           "16020000 10000000 00000000 10000000"
           "21020000 10000000 00000000 10000000" PACKET("00"),
     SHOWN("1") SHOWN("8"), WHYRST_CAPTURE_END},
    {"unpadded length", START "55000000 0e000000 0000 0000 10000000" PACKET("00"),
     SHOWN("1") SHOWN("2"), WHYRST_CAPTURE_END},
    {"length below a block's", START "55000000 08000000 08000000", SHOWN("1"),
     WHYRST_CAPTURE_CORRUPT},
    {"length below the fixed part",
     START "06000000 1c000000 00000000 00000000 00000000 00000000"
           "1c000000",
     SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"absurd length", START "55000000 ffffffff 00000000", SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"lengths that differ", START "55000000 0c000000 10000000", SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"packet longer than its block",
     START "06000000 24000000 00000000 00000000 00000000 05000000 05000000 aa000000 24000000",
     SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"zeros", START "00000000 00000000 00000000", SHOWN("1"), WHYRST_CAPTURE_CORRUPT},
    {"no byte-order magic", "0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000", "",
     WHYRST_CAPTURE_UNKNOWN},
};

/** A descriptor to read @bytes from: a file, or a pipe (which must hold them). */
static int source(const guint8 *bytes, gsize length, gboolean use_pipe)
{
    int fds[2];

    if (use_pipe) {
        g_assert_cmpint(pipe(fds), ==, 0);
    } else {
        char *name = NULL;

        fds[1] = g_file_open_tmp("capture-XXXXXX", &name, NULL);
        fds[0] = g_open(name, O_RDONLY, 0);
        g_unlink(name);
        g_free(name);
    }
    g_assert_cmpint(write(fds[1], bytes, length), ==, (gssize)length);
    close(fds[1]);
    return fds[0];
}

static void show(GString *out, const struct whyrst_frame *f)
{
    gint64 whole = f->time_ns / 1000000000;

    g_string_append_printf(out, "%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ".%09d %u %u ", f->number,
                           whole, (int)ABS(f->time_ns - whole * 1000000000), f->length,
                           f->link_type);
    for (guint32 i = 0; i < f->captured; i++) {
        g_string_append_printf(out, "%02x", f->data[i]);
    }
    g_string_append_c(out, '\n');
}

/** Reads all of @fd; what it gave is in @out. */
static enum whyrst_capture_status read_all(int fd, GString *out)
{
    enum whyrst_capture_status status;
    struct whyrst_frame frame;
    guint8 *peeked;
    gsize peeked_length;
    char *message;
    struct whyrst_capture *capture =
        whyrst_capture_open(fd, &status, &peeked, &peeked_length, &message);

    g_string_truncate(out, 0);
    g_assert_true((status == WHYRST_CAPTURE_OK) == (capture != NULL));
    g_assert_true(status == WHYRST_CAPTURE_UNKNOWN || !peeked);
    g_free(message);
    g_free(peeked);
    while (capture && (status = whyrst_capture_next(capture, &frame)) == WHYRST_CAPTURE_OK) {
        show(out, &frame);
    }
    if (capture) {
        g_assert_true((status == WHYRST_CAPTURE_END) == !whyrst_capture_message(capture));
        g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, status);
    }
    whyrst_capture_free(capture);
    close(fd);
    return status;
}

static void check(const struct expected *e, gboolean use_pipe)
{
    GByteArray *bytes = hex_bytes(e->hex);
    GString *out = g_string_new(NULL);

    g_test_message("%s", e->name);
    g_assert_cmpint(read_all(source(bytes->data, bytes->len, use_pipe), out), ==, e->end);
    g_assert_cmpstr(out->str, ==, e->frames);
    g_string_free(out, TRUE);
    g_byte_array_unref(bytes);
}

/** Cut anywhere, a capture gives the frames that are whole, and says whether one is not. */
static void check_truncations(const struct expected *e)
{
    GByteArray *bytes = hex_bytes(e->hex);
    GString *out = g_string_new(NULL);

    for (guint n = 0; e->end == WHYRST_CAPTURE_END && n < bytes->len; n++) {
        enum whyrst_capture_status status = read_all(source(bytes->data, n, TRUE), out);

        g_assert_true(status == WHYRST_CAPTURE_TRUNCATED || status == WHYRST_CAPTURE_END ||
                      (status == WHYRST_CAPTURE_UNKNOWN && n < 12));
        g_assert_true(g_str_has_prefix(e->frames, out->str));
    }
    g_string_free(out, TRUE);
    g_byte_array_unref(bytes);
}

static void test_pcap(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pcaps); i++) {
        check(&pcaps[i], FALSE);
        check(&pcaps[i], TRUE);
        check_truncations(&pcaps[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(guessed); i++) {
        check(&guessed[i], FALSE);
    }
}

static void test_pcapng(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pcapngs); i++) {
        check(&pcapngs[i], FALSE);
        check(&pcapngs[i], TRUE);
        check_truncations(&pcapngs[i]);
    }
}

/** What no reader knows is handed back, from the first byte on. */
static void test_peeked(void)
{
    static const guint8 bytes[] = "\x1f\x8b\x08 some other format";
    enum whyrst_capture_status status;
    guint8 *peeked;
    gsize length;
    int fd = source(bytes, sizeof bytes, TRUE);

    g_assert_null(whyrst_capture_open(fd, &status, &peeked, &length, NULL));
    g_assert_cmpint(status, ==, WHYRST_CAPTURE_UNKNOWN);
    g_assert_cmpmem(peeked, length, bytes, sizeof bytes);
    g_free(peeked);
    close(fd);
}

/** Each record is served as soon as its last byte is there, though the pipe stays open. */
static void test_live(void)
{
    GByteArray *bytes = hex_bytes(START PACKET("00"));
    guint packet = 36, first = bytes->len - packet;
    enum whyrst_capture_status status;
    struct whyrst_capture *capture;
    struct whyrst_frame frame;
    int fds[2];

    g_assert_cmpint(pipe(fds), ==, 0);
    alarm(20); /* a reader that waits for more would wait for ever */
    g_assert_cmpint(write(fds[1], bytes->data, first), ==, first);
    capture = whyrst_capture_open(fds[0], &status, NULL, NULL, NULL);
    g_assert_nonnull(capture);
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_OK);
    g_assert_cmpint(write(fds[1], bytes->data + first, packet), ==, packet);
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_OK);
    g_assert_cmpuint(frame.number, ==, 2);
    g_assert_cmpuint(whyrst_capture_offset(capture), ==, bytes->len);
    close(fds[1]);
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_END);
    alarm(0);
    whyrst_capture_free(capture);
    close(fds[0]);
    g_byte_array_unref(bytes);
}

/** Records straddle the buffer's end, and one is larger than the buffer. */
static void test_large(void)
{
    const guint count = 40000;
    GByteArray *bytes = hex_bytes(PLAIN);
    enum whyrst_capture_status status;
    struct whyrst_capture *capture;
    struct whyrst_frame frame;
    int fd;

    for (guint i = 0; i < count; i++) {
        guint32 length = i == 20000 ? 250000 : i % 97;
        guint32 header[] = {GUINT32_TO_LE(i), 0, GUINT32_TO_LE(length), GUINT32_TO_LE(length)};

        g_byte_array_append(bytes, (const guint8 *)header, sizeof header);
        g_byte_array_set_size(bytes, bytes->len + length);
        memset(bytes->data + bytes->len - length, (int)(i & 0xff), length);
    }
    fd = source(bytes->data, bytes->len, FALSE);
    capture = whyrst_capture_open(fd, &status, NULL, NULL, NULL);
    for (guint i = 0; i < count; i++) {
        g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_OK);
        g_assert_cmpuint(frame.number, ==, i + 1);
        g_assert_cmpint(frame.time_ns / 1000000000, ==, i);
        for (guint32 k = 0; k < frame.captured; k++) {
            g_assert_true(frame.data[k] == (i & 0xff));
        }
    }
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_END);
    g_assert_cmpuint(whyrst_capture_offset(capture), ==, bytes->len);
    whyrst_capture_free(capture);
    close(fd);
    g_byte_array_unref(bytes);
}

/** The message names the frame that could not be read, and where. */
static void test_message(void)
{
    GByteArray *bytes = hex_bytes(PLAIN "01000000 00000000 01000000 01000000 aa 0102");
    enum whyrst_capture_status status;
    int fd = source(bytes->data, bytes->len, TRUE);
    struct whyrst_capture *capture = whyrst_capture_open(fd, &status, NULL, NULL, NULL);
    struct whyrst_frame frame;

    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_OK);
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, WHYRST_CAPTURE_TRUNCATED);
    g_assert_cmpstr(
        whyrst_capture_message(capture), ==,
        "frame 2, byte offset 41: cut short inside of a record: 16 bytes needed, 2 left");
    whyrst_capture_free(capture);
    close(fd);
    g_byte_array_unref(bytes);
}

static void test_io_error(void)
{
    enum whyrst_capture_status status;
    char *message;

    g_assert_null(whyrst_capture_open(-1, &status, NULL, NULL, &message));
    g_assert_cmpint(status, ==, WHYRST_CAPTURE_IO);
    g_assert_nonnull(strstr(message, "reading failed"));
    g_free(message);
}

static void test_clock(void)
{
    static const struct {
        guint8 resolution;
        gint64 offset;
        guint64 units;
        gint64 time;
    } cases[] = {
        {6, 0, 1, 1000},
        {0, 0, 3, G_GINT64_CONSTANT(3000000000)},
        {0, 0, G_MAXUINT64, G_MAXINT64},
        {9, 0, G_MAXUINT64, G_MAXINT64},
        {9, -1, 5, G_GINT64_CONSTANT(-999999995)},
        {10, 0, 19, 1},
        {19, 0, G_MAXUINT64, G_GINT64_CONSTANT(1844674407)},
        {28, 0, G_MAXUINT64, 1},
        {127, 0, G_MAXUINT64, 0},
        {0x80, 0, 2, G_GINT64_CONSTANT(2000000000)},
        {0x80, 0, G_MAXUINT64, G_MAXINT64},
        {0x80 | 10, 0, 1, 976562},
        {0x80 | 63, 0, G_MAXUINT64, 1999999999},
        {0x80 | 64, 0, G_MAXUINT64, 999999999},
        {0xff, 0, G_MAXUINT64, 0},
        {6, G_MAXINT64, 1, G_MAXINT64},
        {6, G_MININT64, 1, G_MININT64 + 1000},
        {6, G_MININT64, 0, G_MININT64},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct clock clock = clock_make(cases[i].resolution, cases[i].offset);

        g_assert_cmpint(clock_time(&clock, cases[i].units), ==, cases[i].time);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capture/pcap", test_pcap);
    g_test_add_func("/capture/pcapng", test_pcapng);
    g_test_add_func("/capture/peeked", test_peeked);
    g_test_add_func("/capture/live", test_live);
    g_test_add_func("/capture/large", test_large);
    g_test_add_func("/capture/message", test_message);
    g_test_add_func("/capture/io-error", test_io_error);
    g_test_add_func("/capture/clock", test_clock);
    return g_test_run();
}
