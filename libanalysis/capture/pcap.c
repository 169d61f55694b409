/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcap (draft-ietf-opsawg-pcap), with the variants that Wireshark reads: nanoseconds, both byte
 * orders, versions before 2.4, AIX, Ixia, and patched record headers (pcap_guess.c).
 */
#include "capture/pcap.h"

#include <sys/stat.h>

#include <glib.h>

#define FILE_HEADER   24u
#define RECORD_HEADER 16u /* the part that all variants have in common */

#define MAGIC_STANDARD      0xa1b2c3d4u
#define MAGIC_NANOSECONDS   0xa1b23c4du
#define MAGIC_MODIFIED      0xa1b2cd34u
#define MAGIC_IXIA_HARDWARE 0x1c0001acu /* nanoseconds; the file header is 4 bytes longer */
#define MAGIC_IXIA_SOFTWARE 0x1c0001abu /* microseconds, likewise */

/* DG/UX's tcpdump writes this major version, and the lengths in the old order. */
#define VERSION_DGUX 543

/** struct header - the file header's fields that matter here */
struct header {
    uint32_t magic;
    uint16_t major;
    uint16_t minor;
    uint32_t snapshot_length;
    uint32_t network;
};

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_STANDARD || magic == MAGIC_NANOSECONDS || magic == MAGIC_MODIFIED ||
           magic == MAGIC_IXIA_HARDWARE || magic == MAGIC_IXIA_SOFTWARE;
}

static struct header header_read(struct cursor c, bool big)
{
    struct header h;

    h.magic = field_u32(&c, big);
    h.major = field_u16(&c, big);
    h.minor = field_u16(&c, big);
    (void)cursor_skip(&c, 8); /* time zone, accuracy: never set */
    h.snapshot_length = field_u32(&c, big);
    h.network = field_u32(&c, big);
    return h;
}

static enum pcap_lengths lengths_order(const struct header *h)
{
    if (h->major == VERSION_DGUX || (h->major == 2 && h->minor < 3)) {
        return PCAP_WIRE_FIRST;
    }
    /* Some files say 2.3 and hold to 2.2. */
    return h->major == 2 && h->minor == 3 ? PCAP_EITHER : PCAP_CAPTURED_FIRST;
}

/**
 * AIX writes version 2.2 and interface types of RFC 1573 for the link type, and nanoseconds. The
 * files of old libpcaps look alike; as in Wireshark, these four types are taken for AIX's.
 */
static bool adopt_aix(struct pcap *pcap, const struct header *h)
{
    static const struct {
        uint8_t if_type, link_type, padding;
    } aix[] = {{6, 1, 0}, {9, 6, 0}, {15, 10, 3}, {24, 0, 0}};

    if (h->magic != MAGIC_STANDARD || h->major != 2 || h->minor != 2) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(aix); i++) {
        if (h->network == aix[i].if_type) {
            pcap->link_type = aix[i].link_type;
            pcap->padding = aix[i].padding;
            pcap->nanoseconds = true;
            return true;
        }
    }
    return false;
}

/**
 * Whether the magic number leaves the variant open. Of a pipe, too few bytes may be there to tell;
 * the ordinary magic then means the ordinary format, as in Wireshark.
 */
static bool needs_guess(const struct reader *r, const struct header *h)
{
    struct stat st;

    return h->magic == MAGIC_MODIFIED ||
           (h->magic == MAGIC_STANDARD && fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode));
}

/** Fills @pcap from the file header, which the reader has in its buffer, @skip bytes long. */
static void pcap_fill(struct pcap *pcap, const struct reader *r, const struct header *h,
                      size_t skip)
{
    struct cursor records = reader_peek(r, reader_left(r));
    bool aix;

    (void)cursor_skip(&records, skip);
    pcap->nanoseconds = h->magic == MAGIC_NANOSECONDS || h->magic == MAGIC_IXIA_HARDWARE;
    pcap->lengths = lengths_order(h);
    pcap->snapshot_length = h->snapshot_length;
    /* Low 16 bits: the type. Above: the FCS length, which the IP length makes needless here. */
    pcap->link_type = capture_link_type(h->network & 0xffff);
    pcap->variant = PCAP_STANDARD;
    aix = adopt_aix(pcap, h);
    pcap->max_packet = capture_max_packet(pcap->link_type);
    if (!aix && pcap->lengths == PCAP_CAPTURED_FIRST && needs_guess(r, h)) {
        pcap->variant = pcap_guess(pcap, h->magic == MAGIC_MODIFIED, records);
    }
}

static enum whyrst_capture_status pcap_open(struct whyrst_capture *capture)
{
    struct reader *r = &capture->reader;
    size_t skip = FILE_HEADER;
    struct cursor c;
    struct header h;
    struct pcap *pcap;
    bool big;

    if (!reader_has(r, 4)) {
        return WHYRST_CAPTURE_UNKNOWN;
    }
    c = reader_peek(r, 4);
    h.magic = cursor_be32(&c);
    big = is_magic(h.magic);
    if (!big && !is_magic(__builtin_bswap32(h.magic))) {
        return WHYRST_CAPTURE_UNKNOWN;
    }
    if (!reader_has(r, FILE_HEADER)) {
        return capture_short(capture, FILE_HEADER);
    }
    h = header_read(reader_peek(r, FILE_HEADER), big);
    /* Neither is a pcap of today; a reader that knows more may say what it is. */
    if (h.major < 2 || (h.network & 0x03ff0000)) {
        return WHYRST_CAPTURE_UNKNOWN;
    }
    if (h.magic == MAGIC_IXIA_HARDWARE || h.magic == MAGIC_IXIA_SOFTWARE) {
        skip += 4;
        if (!reader_has(r, skip)) {
            return capture_short(capture, skip);
        }
    }
    pcap = g_new0(struct pcap, 1);
    pcap->big_endian = big;
    pcap_fill(pcap, r, &h, skip);
    reader_consume(r, skip);
    capture->state = pcap;
    return WHYRST_CAPTURE_OK;
}

static void order_lengths(const struct pcap *pcap, struct pcap_record *record)
{
    if (pcap->lengths == PCAP_WIRE_FIRST ||
        (pcap->lengths == PCAP_EITHER && record->captured > record->length)) {
        uint32_t wire = record->captured;

        record->captured = record->length;
        record->length = wire;
    }
}

/** The frame of the record at @data, which is all there. */
static inline void fill_frame(const struct pcap *pcap, const struct pcap_record *record,
                              const uint8_t *data, struct whyrst_frame *frame)
{
    frame->data = data + pcap->padding;
    frame->captured = record->captured - pcap->padding;
    frame->length = record->length - MIN(record->length, pcap->padding);
    frame->link_type = pcap->link_type;
    /* 2^32 seconds are less than 2^63 nanoseconds: nothing here overflows. */
    frame->time_ns = (int64_t)record->seconds * 1000000000 +
                     (int64_t)record->fraction * (pcap->nanoseconds ? 1 : 1000);
}

static inline bool makes_sense(const struct pcap *pcap, const struct pcap_record *record)
{
    return record->captured <= pcap->max_packet && record->captured >= pcap->padding;
}

static enum whyrst_capture_status pcap_next(struct whyrst_capture *capture,
                                            struct whyrst_frame *frame)
{
    const struct pcap *pcap = capture->state;
    struct reader *r = &capture->reader;
    size_t header = pcap_header_size(pcap->variant);
    struct pcap_record record;
    struct cursor c;

    if (!reader_has(r, header)) {
        return capture_short(capture, header);
    }
    c = reader_peek(r, RECORD_HEADER);
    record = pcap_record_read(pcap, &c);
    order_lengths(pcap, &record);
    if (!makes_sense(pcap, &record)) {
        return capture_corrupt(capture, "a record of %u bytes; at most %u make sense",
                               record.captured, pcap->max_packet);
    }
    if (!reader_has(r, header + record.captured)) {
        return capture_short(capture, header + record.captured);
    }
    c = reader_peek(r, header + record.captured);
    (void)cursor_skip(&c, header);
    fill_frame(pcap, &record, c.at, frame);
    reader_consume(r, header + record.captured);
    return WHYRST_CAPTURE_OK;
}

static size_t pcap_more(struct whyrst_capture *capture, struct whyrst_frame *frames, size_t max)
{
    const struct pcap *pcap = capture->state;
    struct reader *r = &capture->reader;
    struct cursor records = reader_peek(r, reader_left(r));
    size_t header = pcap_header_size(pcap->variant);
    size_t count = 0;

    while (count < max && cursor_left(&records) >= header) {
        struct cursor c = cursor_make(records.at, RECORD_HEADER);
        struct pcap_record record = pcap_record_read(pcap, &c);

        order_lengths(pcap, &record);
        if (!makes_sense(pcap, &record) || cursor_left(&records) - header < record.captured) {
            break;
        }
        fill_frame(pcap, &record, records.at + header, &frames[count]);
        frames[count].number = ++capture->number;
        (void)cursor_skip(&records, header + record.captured);
        count++;
    }
    reader_consume(r, reader_left(r) - cursor_left(&records));
    return count;
}

const struct capture_format capture_pcap = {
    .name = "pcap", .open = pcap_open, .next = pcap_next, .more = pcap_more, .close = g_free};
