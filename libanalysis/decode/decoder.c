/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public face of the decoder: link types, counts of what was skipped. */
#include <whyrst/decode.h>

#include <glib.h>

#include "decode/fragments.h"
#include "decode/packet.h"

/**
 * struct whyrst_decoder - what one capture's decoding remembers
 * @skipped:   frames by reason
 * @fragments: IP datagrams that are not complete
 * @held:      reassembled bytes that the last frame's segments point to
 */
struct whyrst_decoder {
    uint64_t skipped[WHYRST_SKIP_COUNT];
    struct fragments *fragments;
    GPtrArray *held;
};

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,

static const char *const skip_names[] = {WHYRST_SKIPS(NAME)};
static const char *const skip_texts[] = {WHYRST_SKIPS(TEXT)};

/* Link types with a handler of their own (https://www.tcpdump.org/linktypes.html). */
static void (*const handlers[])(struct packet *) = {
    [0] = decode_null,
    [1] = decode_ethernet,
    [6] = decode_token_ring,
    [9] = decode_ppp,
    [10] = decode_fddi,
    [50] = decode_ppp,
    [51] = decode_pppoe,
    [100] = decode_llc, /* ATM, RFC 2684 LLC encapsulation */
    [101] = decode_raw,
    [104] = decode_chdlc,
    [105] = decode_wlan,
    [106] = decode_raw, /* Linux classical IP over ATM */
    [107] = decode_frame_relay,
    [108] = decode_null,
    [109] = decode_enc,
    [113] = decode_sll,
    [117] = decode_pflog,
    [119] = decode_prism,
    [122] = decode_ip_over_fc,
    [123] = decode_sunatm,
    [127] = decode_radiotap,
    [138] = decode_ip_over_1394,
    [163] = decode_avs,
    [166] = decode_ppp_with_direction, /* pppd's: a direction byte as well */
    [192] = decode_ppi,
    [204] = decode_ppp_with_direction,
    [228] = decode_ipv4,
    [229] = decode_ipv6,
    [239] = decode_nflog,
    [242] = decode_ipoib,
    [276] = decode_sll2,
};

/** decode_link() - what a record of @link_type begins with */
void decode_link(struct packet *p, uint32_t link_type)
{
    if (!packet_enter(p)) {
        return;
    }
    if (link_type < G_N_ELEMENTS(handlers) && handlers[link_type]) {
        handlers[link_type](p);
    } else {
        packet_stop(p, WHYRST_SKIP_LINK_TYPE);
    }
}

/** decoder_fragments() - the table of waiting IP fragments */
struct fragments *decoder_fragments(struct whyrst_decoder *decoder)
{
    return decoder->fragments;
}

/** decoder_skip() - counts @frames that gave no segment */
void decoder_skip(struct whyrst_decoder *decoder, enum whyrst_skip reason, unsigned frames)
{
    decoder->skipped[reason] += frames;
}

/** decoder_hold() - keeps @bytes, which it owns from now on, until the next frame */
void decoder_hold(struct whyrst_decoder *decoder, uint8_t *bytes)
{
    g_ptr_array_add(decoder->held, bytes);
}

struct whyrst_decoder *whyrst_decoder_new(void)
{
    struct whyrst_decoder *decoder = g_new0(struct whyrst_decoder, 1);

    decoder->fragments = fragments_new();
    decoder->held = g_ptr_array_new_with_free_func(g_free);
    return decoder;
}

void whyrst_decoder_free(struct whyrst_decoder *decoder)
{
    if (decoder) {
        fragments_free(decoder->fragments);
        g_ptr_array_free(decoder->held, TRUE);
        g_free(decoder);
    }
}

static G_NO_INLINE unsigned decode_any(struct whyrst_decoder *decoder,
                                       const struct whyrst_frame *frame,
                                       struct whyrst_segment *segments)
{
    struct packet p = {
        .decoder = decoder,
        .frame = frame,
        .segments = segments,
        .c = cursor_make(frame->data, frame->captured),
        /* Some writers leave the wire length 0; Wireshark, too, believes the bytes then. */
        .wire = MAX(frame->length, frame->captured),
        .reason = WHYRST_SKIP_NOT_IP,
    };

    decode_link(&p, frame->link_type);
    if (p.count == 0 && p.reason != SKIP_NOT_NOW) {
        /* An error that quotes less than is needed is in order (RFC 792 asks for 8 bytes). */
        decoder->skipped[p.quoted ? WHYRST_SKIP_NOT_TCP : p.reason]++;
    }
    return p.count;
}

unsigned whyrst_decoder_frame(struct whyrst_decoder *decoder, const struct whyrst_frame *frame,
                              struct whyrst_segment *segments)
{
    if (decoder->held->len) {
        g_ptr_array_set_size(decoder->held, 0);
    }
    return decode_plain(frame, segments) ? 1 : decode_any(decoder, frame, segments);
}

bool whyrst_decoder_holds(const struct whyrst_decoder *decoder)
{
    return decoder->held->len > 0;
}

void whyrst_decoder_finish(struct whyrst_decoder *decoder)
{
    fragments_finish(decoder);
}

uint64_t whyrst_decoder_skipped(const struct whyrst_decoder *decoder, enum whyrst_skip reason)
{
    return (unsigned)reason < WHYRST_SKIP_COUNT ? decoder->skipped[reason] : 0;
}

const char *whyrst_skip_name(enum whyrst_skip reason)
{
    return (unsigned)reason < WHYRST_SKIP_COUNT ? skip_names[reason] : "";
}

const char *whyrst_skip_text(enum whyrst_skip reason)
{
    return (unsigned)reason < WHYRST_SKIP_COUNT ? skip_texts[reason] : "";
}
