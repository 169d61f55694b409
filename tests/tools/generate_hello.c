/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHellos as four kinds of clients send them: cipher suites and extensions are those of the
 * real programs, in their order; random, session id and key shares differ from client to client.
 */
#include "generate.h"

#define GREASE 0x2a2a

/* Extension numbers (IANA, TLS ExtensionType Values). */
enum {
    SNI = 0,
    STATUS = 5,
    GROUPS = 10,
    POINTS = 11,
    SIGNATURES = 13,
    ALPN = 16,
    SCT = 18,
    PADDING = 21,
    EXTENDED_SECRET = 23,
    COMPRESS_CERTIFICATE = 27,
    RECORD_LIMIT = 28,
    DELEGATED = 34,
    TICKET = 35,
    VERSIONS = 43,
    PSK_MODES = 45,
    KEY_SHARE = 51,
    APPLICATION_SETTINGS = 17513,
    RENEGOTIATION = 65281
};

/** struct style - a kind of client; lists end with 0xffff */
struct style {
    const char *alpn; /* in wire form, without the list's length */
    uint16_t share;   /* bytes of the key share: 32 X25519, 1216 with ML-KEM-768 */
    uint16_t padded;  /* handshake length to pad to; 0 = no padding */
    uint16_t ciphers[20];
    uint16_t extensions[20];
    uint16_t groups[8];
    uint16_t signatures[12];
};

#define H2   "\x02h2\x08http/1.1"
#define HTTP "\x08http/1.1"

static const struct style styles[HELLO_STYLES] = {
    {/* Chromium */
     .alpn = H2,
     .share = 1216,
     .ciphers = {GREASE, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0xffff},
     .extensions = {GREASE, SNI, EXTENDED_SECRET, RENEGOTIATION, GROUPS, POINTS, TICKET, ALPN,
                    STATUS, SIGNATURES, SCT, KEY_SHARE, PSK_MODES, VERSIONS, COMPRESS_CERTIFICATE,
                    APPLICATION_SETTINGS, 0xffff},
     .groups = {GREASE, 0x11ec, 0x001d, 0x0017, 0x0018, 0xffff},
     .signatures = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0xffff}},
    {/* Firefox */
     .alpn = H2,
     .share = 32,
     .padded = 508,
     .ciphers = {0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a,
                 0xc009, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0xffff},
     .extensions = {SNI, EXTENDED_SECRET, RENEGOTIATION, GROUPS, POINTS, TICKET, ALPN, STATUS,
                    DELEGATED, KEY_SHARE, VERSIONS, SIGNATURES, PSK_MODES, RECORD_LIMIT, PADDING,
                    0xffff},
     .groups = {0x001d, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101, 0xffff},
     .signatures = {0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203,
                    0x0201, 0xffff}},
    {/* curl with OpenSSL 3 */
     .alpn = H2,
     .share = 32,
     .padded = 508,
     .ciphers = {0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b,
                 0xc02f, 0x009e, 0xc024, 0xc028, 0x006b, 0x00ff, 0xffff},
     .extensions = {SNI, POINTS, GROUPS, ALPN, 22, EXTENDED_SECRET, 49, SIGNATURES, VERSIONS,
                    PSK_MODES, KEY_SHARE, PADDING, 0xffff},
     .groups = {0x001d, 0x0017, 0x001e, 0x0019, 0x0018, 0x0100, 0x0101, 0xffff},
     .signatures = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x0804, 0x0401, 0x0501,
                    0x0601, 0xffff}},
    {/* Go */
     .alpn = HTTP,
     .share = 32,
     .ciphers = {0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014,
                 0x1301, 0x1302, 0x1303, 0xffff},
     .extensions = {SNI, STATUS, GROUPS, POINTS, SIGNATURES, RENEGOTIATION, EXTENDED_SECRET, ALPN,
                    SCT, VERSIONS, KEY_SHARE, 0xffff},
     .groups = {0x001d, 0x0017, 0x0018, 0x0019, 0xffff},
     .signatures = {0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603,
                    0x0201, 0xffff}}};

/* A name with room for the client's number. */
#define NAME "www-000000.shop.example"

#define AT_RANDOM  11u
#define AT_SESSION 44u

/** struct template - a ClientHello and where the name's digits stand in it */
struct template
{
    uint8_t bytes[HELLO_MAX];
    size_t length;
    size_t digits;
};

static struct template templates[HELLO_STYLES];

static void add(struct template *t, const void *data, size_t length)
{
    memcpy(t->bytes + t->length, data, length);
    t->length += length;
}

static void add16(struct template *t, size_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    add(t, bytes, sizeof bytes);
}

/* Sets the 16-bit length at @at to what has been written since. */
static void close16(struct template *t, size_t at)
{
    size_t length = t->length - at - 2;

    t->bytes[at] = (uint8_t)(length >> 8);
    t->bytes[at + 1] = (uint8_t)length;
}

static size_t open16(struct template *t)
{
    add16(t, 0);
    return t->length - 2;
}

static void put_list(struct template *t, const uint16_t *list)
{
    size_t at = open16(t);

    for (; *list != 0xffff; list++) {
        add16(t, *list);
    }
    close16(t, at);
}

static void put_name(struct template *t)
{
    size_t list = open16(t);

    add(t, "", 1);
    add16(t, strlen(NAME));
    t->digits = t->length + 4;
    add(t, NAME, strlen(NAME));
    close16(t, list);
}

static void put_key_share(struct template *t, const struct style *style)
{
    size_t list = open16(t);
    struct random random = {style->share};

    add16(t, style->share == 32 ? 0x001d : 0x11ec);
    add16(t, style->share);
    for (unsigned i = 0; i < style->share; i += 8) {
        uint64_t bytes = random_next(&random);

        add(t, &bytes, sizeof bytes);
    }
    close16(t, list);
}

static void put_padding(struct template *t, const struct style *style)
{
    /* 9: the record header and the handshake's; what is open now ends here */
    while (t->length < style->padded + 9u) {
        add(t, "", 1);
    }
}

static void put_body(struct template *t, const struct style *style, uint16_t kind)
{
    size_t list;

    switch (kind) {
    case SNI:
        put_name(t);
        break;
    case STATUS:
        add(t, "\x01\0\0\0", 5);
        break;
    case GROUPS:
        put_list(t, style->groups);
        break;
    case POINTS:
        add(t, "\x01", 2);
        break;
    case SIGNATURES:
    case DELEGATED:
        put_list(t, style->signatures);
        break;
    case ALPN:
        list = open16(t);
        add(t, style->alpn, strlen(style->alpn));
        close16(t, list);
        break;
    case VERSIONS:
        add(t, "\x04\x03\x04\x03\x03", 5);
        break;
    case PSK_MODES:
        add(t, "\x01\x01", 2);
        break;
    case KEY_SHARE:
        put_key_share(t, style);
        break;
    case COMPRESS_CERTIFICATE:
        add(t, "\x02\0\x02", 3);
        break;
    case RECORD_LIMIT:
        add(t, "\x40\x01", 2);
        break;
    case APPLICATION_SETTINGS:
        add(t, "\0\x03\x02h2", 5);
        break;
    case RENEGOTIATION:
        add(t, "", 1);
        break;
    case PADDING:
        put_padding(t, style);
        break;
    default:
        break;
    }
}

static void put_extensions(struct template *t, const struct style *style)
{
    size_t all = open16(t);

    for (const uint16_t *kind = style->extensions; *kind != 0xffff; kind++) {
        size_t one;

        add16(t, *kind);
        one = open16(t);
        put_body(t, style, *kind);
        close16(t, one);
    }
    close16(t, all);
}

static void prepare(struct template *t, const struct style *style)
{
    const uint8_t zeros[32] = {0};
    size_t record, handshake;

    add(t, "\x16\x03\x01", 3);
    record = open16(t);
    add(t, "\x01", 2); /* ClientHello, high byte of its length */
    handshake = open16(t);
    add(t, "\x03\x03", 2);
    add(t, zeros, 32);
    add(t, "\x20", 1);
    add(t, zeros, 32);
    put_list(t, style->ciphers);
    add(t, "\x01", 2); /* no compression */
    put_extensions(t, style);
    close16(t, handshake);
    close16(t, record);
}

void hello_prepare(void)
{
    for (unsigned i = 0; i < HELLO_STYLES; i++) {
        prepare(&templates[i], &styles[i]);
    }
}

size_t hello_make(uint8_t *into, unsigned style, uint64_t number)
{
    const struct template *t = &templates[style];
    struct random random = {number};

    memcpy(into, t->bytes, t->length);
    for (unsigned i = 0; i < 32; i += 8) {
        uint64_t bytes[2] = {random_next(&random), random_next(&random)};

        memcpy(into + AT_RANDOM + i, &bytes[0], 8);
        memcpy(into + AT_SESSION + i, &bytes[1], 8);
    }
    /* Names repeat: as many as a busy network's clients ask for in an hour. */
    for (unsigned i = 0, n = (unsigned)(number * 2654435761u % 5000); i < 6; i++, n /= 10) {
        into[t->digits + 5 - i] = (uint8_t)('0' + n % 10);
    }
    return t->length;
}
