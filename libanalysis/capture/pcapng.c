/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng (draft-ietf-opsawg-pcapng): sections of either byte order, each with its interfaces;
 * enhanced, simple and (obsolete) packet blocks. All other blocks are skipped without being held.
 *
 * Frame numbers equal Wireshark's: some blocks that hold no packet are records there, too, and take
 * a number. Found with tshark 4.0 and 4.4, which agree: systemd journal entries, custom blocks
 * (known or not, "do not copy" or not) and sysdig events; but not name resolution, statistics,
 * secrets, sysdig's other blocks or unknown types.
 */
#include "capture/format.h"

#include <glib.h>

#include "capture/clock.h"
#include "limits.h"

#define BLOCK_SECTION        0x0a0d0d0au /* reads the same in both byte orders */
#define BLOCK_INTERFACE      0x00000001u
#define BLOCK_PACKET         0x00000002u
#define BLOCK_SIMPLE         0x00000003u
#define BLOCK_ENHANCED       0x00000006u
#define BLOCK_JOURNAL        0x00000009u
#define BLOCK_SYSDIG_EVENT   0x00000204u
#define BLOCK_SYSDIG_EVENT2  0x00000216u
#define BLOCK_SYSDIG_EVENT3  0x00000221u
#define BLOCK_CUSTOM         0x00000badu
#define BLOCK_CUSTOM_NO_COPY 0x40000badu

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define BLOCK_HEADER    8u /* type, length */
#define BLOCK_TRAILER   4u /* length again */
#define BLOCK_MIN       (BLOCK_HEADER + BLOCK_TRAILER)
#define SECTION_MIN     (BLOCK_MIN + 16u)
#define INTERFACE_FIXED 8u
#define PACKET_FIXED    20u /* the enhanced and the obsolete packet block's */
#define SIMPLE_FIXED    4u

#define OPTION_END      0
#define OPTION_TSRESOL  9
#define OPTION_TSOFFSET 14

/* Microseconds, where an interface does not say (section 4.2). */
#define DEFAULT_RESOLUTION 6

/** struct interface - what packets need to know of theirs */
struct interface {
    uint32_t link_type;
    uint32_t snapshot_length;
    struct clock clock;
};

/** struct pcapng - the section being read */
struct pcapng {
    bool big_endian;
    GArray *interfaces; /**< of struct interface */
};

/** A block's whole length: it is rounded up for writers that forgot the padding, as Wireshark. */
static uint32_t block_length(uint32_t total)
{
    return (total + 3) & ~UINT32_C(3);
}

static bool trailer_agrees(const struct pcapng *ng, struct cursor trailer, uint32_t total)
{
    return field_u32(&trailer, ng->big_endian) == total;
}

static enum whyrst_capture_status bad_length(struct whyrst_capture *capture, uint32_t type,
                                             uint32_t total)
{
    return capture_corrupt(capture, "block of type 0x%08x has length %u, which makes no sense",
                           type, total);
}

static enum whyrst_capture_status bad_trailer(struct whyrst_capture *capture, uint32_t type,
                                              uint32_t total)
{
    return capture_corrupt(capture, "block of type 0x%08x and length %u ends with another length",
                           type, total);
}

/** Skips the rest of a block, of which @done bytes are consumed, and checks its end. */
static enum whyrst_capture_status skip_block(struct whyrst_capture *capture, uint32_t type,
                                             uint32_t total, uint32_t done)
{
    struct reader *r = &capture->reader;

    if (!reader_skip(r, total - done - BLOCK_TRAILER) || !reader_has(r, BLOCK_TRAILER)) {
        return capture_cut(capture, "a block");
    }
    if (!trailer_agrees(capture->state, reader_peek(r, BLOCK_TRAILER), total)) {
        return bad_trailer(capture, type, total);
    }
    reader_consume(r, BLOCK_TRAILER);
    return WHYRST_CAPTURE_OK;
}

/** The byte order of the section header at the reader's place: its magic tells. */
static bool section_order(const struct reader *r, bool *big)
{
    struct cursor c = reader_peek(r, BLOCK_HEADER + 4);
    uint32_t magic;

    (void)cursor_skip(&c, BLOCK_HEADER);
    magic = cursor_be32(&c);
    *big = magic == BYTE_ORDER_MAGIC;
    return *big || magic == __builtin_bswap32(BYTE_ORDER_MAGIC);
}

static enum whyrst_capture_status read_section(struct whyrst_capture *capture)
{
    struct pcapng *ng = capture->state;
    struct reader *r = &capture->reader;
    struct cursor c;
    uint32_t total;
    uint16_t major, minor;

    if (!reader_has(r, BLOCK_HEADER + 8)) {
        return capture_cut(capture, "a section header");
    }
    if (!section_order(r, &ng->big_endian)) {
        return capture_corrupt(capture, "section header without a byte-order magic");
    }
    c = reader_peek(r, BLOCK_HEADER + 8);
    (void)cursor_skip(&c, 4);
    total = field_u32(&c, ng->big_endian);
    (void)cursor_skip(&c, 4);
    major = field_u16(&c, ng->big_endian);
    minor = field_u16(&c, ng->big_endian);
    /* 1.2 is as 1.0 (section 4.1); nobody knows what others would look like. */
    if (major != 1 || (minor != 0 && minor != 2)) {
        return capture_corrupt(capture, "section of unknown version %u.%u", major, minor);
    }
    if (total < SECTION_MIN || total > LIMIT_CAPTURE_BLOCK) {
        return bad_length(capture, BLOCK_SECTION, total);
    }
    g_array_set_size(ng->interfaces, 0);
    reader_consume(r, BLOCK_HEADER + 8);
    return skip_block(capture, BLOCK_SECTION, block_length(total), BLOCK_HEADER + 8);
}

/** Reads time resolution and offset from an interface's options; a broken list just ends. */
static struct clock interface_clock(struct cursor *c, bool big)
{
    uint8_t resolution = DEFAULT_RESOLUTION;
    int64_t offset = 0;

    while (cursor_left(c) >= 4) {
        uint16_t code = field_u16(c, big);
        uint16_t length = field_u16(c, big);
        struct cursor value = cursor_sub(c, length);

        if (code == OPTION_END) {
            break;
        }
        if (code == OPTION_TSRESOL && length == 1) {
            resolution = cursor_u8(&value);
        } else if (code == OPTION_TSOFFSET && length == 8) {
            uint64_t seconds = cursor_be64(&value);

            offset = (int64_t)(big ? seconds : __builtin_bswap64(seconds));
        }
        (void)cursor_skip(c, -length & 3u);
    }
    return clock_make(resolution, offset);
}

static enum whyrst_capture_status read_interface(struct whyrst_capture *capture, struct cursor *c)
{
    struct pcapng *ng = capture->state;
    struct interface interface;

    if (ng->interfaces->len >= LIMIT_CAPTURE_INTERFACES) {
        return capture_corrupt(capture, "more than %u interfaces", LIMIT_CAPTURE_INTERFACES);
    }
    interface.link_type = capture_link_type(field_u16(c, ng->big_endian));
    (void)cursor_skip(c, 2);
    interface.snapshot_length = field_u32(c, ng->big_endian);
    interface.clock = interface_clock(c, ng->big_endian);
    g_array_append_val(ng->interfaces, interface);
    return WHYRST_CAPTURE_OK;
}

/** The interface with number @id of this section, or NULL. */
static const struct interface *find_interface(const struct pcapng *ng, uint32_t id)
{
    return id < ng->interfaces->len ? &g_array_index(ng->interfaces, struct interface, id) : NULL;
}

/** Points @frame at @captured bytes from @c; they must fit the block and the link type. */
static enum whyrst_capture_status take_packet(struct whyrst_capture *capture, struct cursor *c,
                                              const struct interface *interface, uint32_t captured,
                                              struct whyrst_frame *frame)
{
    if (captured > capture_max_packet(interface->link_type)) {
        return capture_corrupt(capture, "a packet of %u bytes; at most %u make sense", captured,
                               capture_max_packet(interface->link_type));
    }
    frame->data = cursor_take(c, captured);
    if (!frame->data) {
        return capture_corrupt(capture, "a packet of %u bytes in a shorter block", captured);
    }
    frame->captured = captured;
    frame->link_type = interface->link_type;
    return WHYRST_CAPTURE_OK;
}

static enum whyrst_capture_status read_packet(struct whyrst_capture *capture, uint32_t type,
                                              struct cursor *c, struct whyrst_frame *frame)
{
    const struct pcapng *ng = capture->state;
    bool big = ng->big_endian;
    uint32_t id = type == BLOCK_PACKET ? field_u16(c, big) : field_u32(c, big);
    const struct interface *interface = find_interface(ng, id);
    uint32_t captured;
    uint64_t units;

    if (!interface) {
        return capture_corrupt(capture, "interface %u of %u", id, ng->interfaces->len);
    }
    if (type == BLOCK_PACKET) {
        (void)cursor_skip(c, 2); /* packets dropped */
    }
    units = (uint64_t)field_u32(c, big) << 32;
    units |= field_u32(c, big);
    captured = field_u32(c, big);
    frame->length = field_u32(c, big);
    frame->time_ns = clock_time(&interface->clock, units);
    return take_packet(capture, c, interface, captured, frame);
}

/** A simple packet block: of the first interface, without a time, cut at its snapshot length. */
static enum whyrst_capture_status read_simple(struct whyrst_capture *capture, struct cursor *c,
                                              struct whyrst_frame *frame)
{
    const struct pcapng *ng = capture->state;
    const struct interface *interface = find_interface(ng, 0);
    uint32_t captured;

    if (!interface) {
        return capture_corrupt(capture, "simple packet block without an interface");
    }
    frame->length = field_u32(c, ng->big_endian);
    frame->time_ns = 0;
    captured = frame->length;
    if (interface->snapshot_length && captured > interface->snapshot_length) {
        captured = interface->snapshot_length;
    }
    return take_packet(capture, c, interface, captured, frame);
}

/** Length of the fixed part of the blocks that are read; 0 for all others. */
static uint32_t fixed_length(uint32_t type)
{
    switch (type) {
    case BLOCK_ENHANCED:
    case BLOCK_PACKET:
        return PACKET_FIXED;
    case BLOCK_SIMPLE:
        return SIMPLE_FIXED;
    case BLOCK_INTERFACE:
        return INTERFACE_FIXED;
    default:
        return 0;
    }
}

static uint32_t longest_block(uint32_t type)
{
    return type == BLOCK_INTERFACE ? LIMIT_CAPTURE_INTERFACE : LIMIT_CAPTURE_BLOCK;
}

/** Whether Wireshark gives a block that holds no packet a frame number all the same. */
static bool takes_number(uint32_t type)
{
    switch (type) {
    case BLOCK_JOURNAL:
    case BLOCK_CUSTOM:
    case BLOCK_CUSTOM_NO_COPY:
    case BLOCK_SYSDIG_EVENT:
    case BLOCK_SYSDIG_EVENT2:
    case BLOCK_SYSDIG_EVENT3:
        return true;
    default:
        return false;
    }
}

static enum whyrst_capture_status skip_unread(struct whyrst_capture *capture, uint32_t type,
                                              uint32_t total)
{
    enum whyrst_capture_status status = skip_block(capture, type, total, 0);

    if (status == WHYRST_CAPTURE_OK && takes_number(type)) {
        capture->number++;
    }
    return status;
}

/**
 * Reads a block that matters. Sets @frame and @found for a packet. The block is consumed only when
 * it is sound, so that an error names its offset.
 */
static enum whyrst_capture_status read_block(struct whyrst_capture *capture, uint32_t type,
                                             uint32_t total, struct whyrst_frame *frame,
                                             bool *found)
{
    struct reader *r = &capture->reader;
    enum whyrst_capture_status status;
    struct cursor c, body;

    if (!reader_has(r, total)) {
        return capture_short(capture, total);
    }
    c = reader_peek(r, total);
    (void)cursor_skip(&c, BLOCK_HEADER);
    body = cursor_sub(&c, total - BLOCK_MIN);
    if (!trailer_agrees(capture->state, c, total)) {
        return bad_trailer(capture, type, total);
    }
    *found = type != BLOCK_INTERFACE;
    if (type == BLOCK_INTERFACE) {
        status = read_interface(capture, &body);
    } else if (type == BLOCK_SIMPLE) {
        status = read_simple(capture, &body, frame);
    } else {
        status = read_packet(capture, type, &body, frame);
    }
    if (status == WHYRST_CAPTURE_OK) {
        reader_consume(r, total);
    }
    return status;
}

static enum whyrst_capture_status pcapng_next(struct whyrst_capture *capture,
                                              struct whyrst_frame *frame)
{
    const struct pcapng *ng = capture->state;
    struct reader *r = &capture->reader;
    enum whyrst_capture_status status = WHYRST_CAPTURE_OK;
    bool found = false;

    while (status == WHYRST_CAPTURE_OK && !found) {
        struct cursor c;
        uint32_t type, total, fixed;

        if (!reader_has(r, BLOCK_HEADER)) {
            return capture_short(capture, BLOCK_HEADER);
        }
        c = reader_peek(r, BLOCK_HEADER);
        type = field_u32(&c, ng->big_endian);
        total = field_u32(&c, ng->big_endian);
        fixed = fixed_length(type);
        if (type == BLOCK_SECTION) {
            status = read_section(capture);
        } else if (total < BLOCK_MIN + fixed || total > longest_block(type)) {
            status = bad_length(capture, type, total);
        } else if (fixed) {
            status = read_block(capture, type, block_length(total), frame, &found);
        } else {
            status = skip_unread(capture, type, block_length(total));
        }
    }
    return status;
}

static void pcapng_close(void *state)
{
    struct pcapng *ng = state;

    g_array_free(ng->interfaces, TRUE);
    g_free(ng);
}

static enum whyrst_capture_status pcapng_open(struct whyrst_capture *capture)
{
    struct pcapng *ng;
    struct cursor c;
    bool big;

    if (!reader_has(&capture->reader, BLOCK_HEADER + 4)) {
        return WHYRST_CAPTURE_UNKNOWN;
    }
    c = reader_peek(&capture->reader, BLOCK_HEADER + 4);
    if (cursor_be32(&c) != BLOCK_SECTION || !section_order(&capture->reader, &big)) {
        return WHYRST_CAPTURE_UNKNOWN;
    }
    ng = g_new0(struct pcapng, 1);
    ng->big_endian = big;
    ng->interfaces = g_array_new(FALSE, FALSE, sizeof(struct interface));
    capture->state = ng;
    return WHYRST_CAPTURE_OK;
}

/* Enhanced packet blocks only: whatever else comes, and whatever is wrong, is left to
 * pcapng_next(). */
static size_t pcapng_more(struct whyrst_capture *capture, struct whyrst_frame *frames, size_t max)
{
    const struct pcapng *ng = capture->state;
    struct reader *r = &capture->reader;
    size_t count = 0;

    while (count < max && reader_left(r) >= BLOCK_HEADER) {
        struct cursor c = reader_peek(r, BLOCK_HEADER);
        uint32_t type = field_u32(&c, ng->big_endian);
        uint32_t total = field_u32(&c, ng->big_endian);
        bool found = false;

        if (type != BLOCK_ENHANCED || total < BLOCK_MIN + PACKET_FIXED ||
            total > LIMIT_CAPTURE_BLOCK || reader_left(r) < block_length(total) ||
            read_block(capture, type, block_length(total), &frames[count], &found) !=
                WHYRST_CAPTURE_OK) {
            break;
        }
        frames[count].number = ++capture->number;
        count++;
    }
    return count;
}

const struct capture_format capture_pcapng = {
    .name = "pcapng",
    .open = pcapng_open,
    .next = pcapng_next,
    .more = pcapng_more,
    .close = pcapng_close,
};
