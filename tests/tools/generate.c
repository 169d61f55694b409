/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * whyrst-generate: makes large captures for benchmarks, the same ones every time, and tells what is
 * in them.
 *
 * Theory of operation. Some connections are live at once. Each follows a script, a string with one
 * letter for each segment; the next segment is that of a live connection taken at random, so that
 * the connections mix as on a link. A connection that has come to its script's end makes room for
 * the next one. A kind of capture is a row of scripts with weights, and how many connections of
 * which size there are.
 */
#include "generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POOL 65536u

#define TLS_RECORD 16401u /* 16 KiB and what encryption adds */

enum content { OPAQUE, TLS, HTTP, SMALL };

/**
 * struct script - a course that connections take
 * @weight:  how often, beside the kind's others
 * @content: what the payload is
 * @bytes:   mean of what the loop carries
 * @letters: the segments. Lower case: sent by the client, upper case by the server.
 *           s SYN, S SYN-ACK, a ACK, h ClientHello, i its rest (when it fills more than a segment),
 *           H ServerHello and more, e a small TLS record, g GET, G head of the response,
 *           d payload, t the same again, o two segments of payload in the wrong order, f FIN,
 *           r RST of a live socket, x RST that answers a segment, < > a loop while payload is left
 */
struct script {
    unsigned weight;
    enum content content;
    unsigned bytes;
    const char *letters;
};

/**
 * struct kind - a kind of capture
 * @live:        connections at once
 * @connections: connections in all; 0: until @bytes are written
 * @bytes:       size of the file; 0: until the connections have ended
 * @gap_ns:      mean time between two packets
 * @clients:     client addresses
 * @noise:       packets in a thousand that are UDP or ARP
 * @ipv6, @vlan: connections in a hundred with it
 */
struct kind {
    const char *name;
    const char *what;
    uint64_t live;
    uint64_t connections;
    uint64_t bytes;
    int64_t gap_ns;
    uint32_t clients;
    unsigned noise;
    unsigned ipv6;
    unsigned vlan;
    struct script scripts[20];
};

#define TLS_START "sSahiAHEae"
#define GB        UINT64_C(1000000000)

static const struct kind kinds[] = {
    {"mixed",
     "web, bulk transfers, resets of many origins, some UDP and ARP",
     2000,
     0,
     GB,
     200000,
     4096,
     40,
     25,
     10,
     {{300, TLS, 30000, TLS_START "A<DDa>FafA"},
      {40, TLS, 60000, TLS_START "A<DDaDOaDTa>fFa"},
      {80, HTTP, 20000, "sSagAG<DDa>FafA"},
      {4, OPAQUE, 1500000, "sSa<DDa>FafA"},
      {2, OPAQUE, 700000, "sSa<ddA>fFa"},
      {60, OPAQUE, 600, "sSa<dDa>fFa"},
      {12, OPAQUE, 0, "sR"},
      {8, OPAQUE, 0, "sSr"},
      {6, OPAQUE, 0, "sSaR"},
      {12, TLS, 0, "sSahiR"},
      {8, TLS, 0, "sSahiAHr"},
      {8, TLS, 0, TLS_START "R"},
      {12, TLS, 40000, TLS_START "A<DDa>r"},
      {10, TLS, 40000, TLS_START "A<DDa>FafAX"},
      {6, TLS, 40000, TLS_START "A<DDa>FdxX"},
      {8, HTTP, 20000, "sSagR"},
      {6, HTTP, 80000, "sSagAG<DDa>R"},
      {10, OPAQUE, 0, "s"}}},
    {"small",
     "many small packets of long connections",
     1000,
     0,
     GB,
     20000,
     512,
     0,
     10,
     0,
     {{10, SMALL, 150000, "sSa<dDa>fFa"}, {1, SMALL, 100000, "sSa<dDa>R"}}},
    {"flows",
     "short connections, half of them reset",
     1000,
     4900000,
     0,
     50000,
     1u << 18,
     0,
     10,
     0,
     {{1, OPAQUE, 0, "sR"},
      {1, OPAQUE, 0, "sSr"},
      {1, OPAQUE, 0, "sSafFa"},
      {1, OPAQUE, 0, "sSa"}}},
    {"synflood",
     "unanswered SYNs, each of another address and port",
     1,
     10000000,
     0,
     1000,
     1u << 24,
     0,
     0,
     0,
     {{1, OPAQUE, 0, "s"}}},
    {"elephant", "one connection", 1, 0, GB, 10000, 1, 0, 0, 0, {{1, OPAQUE, 0, "sSa<DDa>"}}},
    {"idle",
     "connections that shake hands and fall silent",
     100,
     1000000,
     0,
     1000,
     1u << 18,
     0,
     0,
     0,
     {{1, OPAQUE, 0, "sSa"}}},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/** struct connection - a live one; [0] is the client, [1] the server */
struct connection {
    const struct script *script;
    const char *at;
    uint64_t number;
    uint64_t left; /* payload bytes left of the loop */
    uint32_t seq[2];
    uint32_t record_left; /* of the TLS record under way */
    uint32_t packets;
    uint16_t id[2];
    uint16_t last; /* size of the latest data segment */
    bool ipv6;
    bool vlan;
    bool timestamps;
};

/** struct generator - one run */
struct generator {
    struct kind kind;
    unsigned weights;
    struct random random;
    struct output output;
    struct connection *live;
    uint64_t live_count;
    int64_t now_ns;
    uint64_t started;
    uint64_t segments;
    uint64_t resets;
    uint8_t pool[POOL + MSS];
};

/* Client addresses and ports together never repeat before clients * 64000 connections. */
static uint32_t address_of(const struct generator *g, const struct connection *c, unsigned side)
{
    uint32_t client = (uint32_t)(c->number % g->kind.clients) * 2654435761u >> 8;
    uint32_t server = (uint32_t)(c->number * 2246822519u % 200);

    return side ? 192u << 24 | 2u << 8 | server : 10u << 24 | client;
}

static uint16_t port_of(const struct generator *g, const struct connection *c, unsigned side)
{
    if (side) {
        return c->script->content == HTTP ? 80 : 443;
    }
    return (uint16_t)(1024 + c->number / g->kind.clients % 64000);
}

/* A segment of @length bytes of payload at @seq. */
static void send_at(struct generator *g, struct connection *c, unsigned side, unsigned flags,
                    uint32_t seq, const uint8_t *payload, uint32_t length)
{
    uint8_t frame[FRAME_MAX];
    struct frame_fields fields = {
        .ipv6 = c->ipv6,
        .vlan = c->vlan,
        .timestamps = c->timestamps,
        .ttl = side ? 57 : 64,
        .flags = (uint8_t)flags,
        .id = ++c->id[side],
        .window = (uint16_t)(flags & RST ? 0 : 500 + c->packets++ % 8), /* no two look the same */
        .port = {port_of(g, c, side), port_of(g, c, !side)},
        .address = {address_of(g, c, side), address_of(g, c, !side)},
        .seq = seq,
        .ack = flags & ACK ? c->seq[!side] : 0,
        .ms = (uint32_t)(g->now_ns / 1000000),
        .length = length,
    };

    output_frame(&g->output, g->now_ns, frame, frame_segment(frame, &fields, payload));
    g->segments++;
    g->resets += (flags & RST) != 0;
}

static void send(struct generator *g, struct connection *c, unsigned side, unsigned flags,
                 const uint8_t *payload, uint32_t length)
{
    send_at(g, c, side, flags, c->seq[side], payload, length);
    c->seq[side] += length + !!(flags & SYN) + !!(flags & FIN);
}

static uint8_t *random_bytes(struct generator *g)
{
    return g->pool + random_below(&g->random, POOL);
}

static uint32_t segment_size(const struct connection *c)
{
    return MSS - (c->timestamps ? 12 : 0) - (c->ipv6 ? 20 : 0);
}

static void record_header(uint8_t *at, uint8_t type, uint32_t length)
{
    at[0] = type;
    at[1] = 3;
    at[2] = 3;
    at[3] = (uint8_t)(length >> 8);
    at[4] = (uint8_t)length;
}

/* Writes the headers of the TLS records that begin within the segment; its new length. */
static uint32_t put_records(struct connection *c, uint8_t *payload, uint32_t length)
{
    uint32_t at = c->record_left;

    while (at < length) {
        if (length - at < 6 && at > 0) {
            length = at; /* no header is torn apart */
            break;
        }
        c->record_left = (uint32_t)(c->left - at > 5 + TLS_RECORD ? TLS_RECORD : c->left - at - 5);
        record_header(payload + at, 23, c->record_left);
        at += 5 + c->record_left;
    }
    c->record_left = at - length;
    return length;
}

/* The loop's next payload: one segment, or two in the wrong order. */
static void send_data(struct generator *g, struct connection *c, unsigned side, bool torn)
{
    uint8_t payload[MSS];
    uint32_t length = segment_size(c);
    uint32_t half;

    if (c->script->content == SMALL) {
        length = 1 + random_below(&g->random, 130);
    }
    if (c->left < length) {
        length = (uint32_t)c->left;
    }
    if (length <= 6) {
        c->left = 0;
        return;
    }
    memcpy(payload, random_bytes(g), length);
    if (c->script->content == TLS) {
        length = put_records(c, payload, length);
    }
    c->left -= length;
    c->last = (uint16_t)length;
    half = torn ? length / 2 : length;
    if (torn) {
        send_at(g, c, side, ACK, c->seq[side] + half, payload + half, length - half);
    }
    send_at(g, c, side, ACK | (c->left ? 0 : PSH), c->seq[side], payload, half);
    c->seq[side] += length;
}

static void send_hello(struct generator *g, struct connection *c, bool rest)
{
    uint8_t hello[HELLO_MAX];
    size_t length = hello_make(hello, c->number % HELLO_STYLES, c->number);
    size_t first = segment_size(c) < length ? segment_size(c) : length;

    if (!rest) {
        send(g, c, 0, ACK | PSH, hello, (uint32_t)first);
    } else if (first < length) {
        send(g, c, 0, ACK | PSH, hello + first, (uint32_t)(length - first));
    }
}

/* ServerHello, ChangeCipherSpec, and a record that fills the segment. */
static void send_server_hello(struct generator *g, struct connection *c)
{
    uint8_t payload[MSS];
    uint32_t length = segment_size(c);
    struct writer w = {payload};

    memcpy(payload, random_bytes(g), length);
    put(&w, "\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03", 11);
    w.at += 32; /* random */
    put8(&w, 32);
    w.at += 32; /* session id */
    put(&w, "\x13\x01\0\0\x2e\0\x2b\0\x02\x03\x04\0\x33\0\x24\0\x1d\0\x20", 19);
    w.at += 32; /* key share */
    put(&w, "\x14\x03\x03\0\x01\x01", 6);
    record_header(w.at, 23, length - (uint32_t)(w.at + 5 - payload));
    send(g, c, 1, ACK | PSH, payload, length);
}

static void send_small_record(struct generator *g, struct connection *c, unsigned side)
{
    uint8_t payload[MSS];
    uint32_t length = 100 + random_below(&g->random, 600);

    memcpy(payload, random_bytes(g), length);
    record_header(payload, 23, length - 5);
    send(g, c, side, ACK | PSH, payload, length);
}

static void send_text(struct generator *g, struct connection *c, unsigned side)
{
    char text[512];
    int length = side ? snprintf(text, sizeof text,
                                 "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n"
                                 "Content-Length: %" PRIu64 "\r\nConnection: keep-alive\r\n\r\n",
                                 c->left)
                      : snprintf(text, sizeof text,
                                 "GET /item/%" PRIu64 " HTTP/1.1\r\nHost: shop.example\r\n"
                                 "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
                                 "Accept-Encoding: gzip, deflate, br\r\n\r\n",
                                 c->number);

    send(g, c, side, ACK | PSH, (const uint8_t *)text, (uint32_t)length);
}

/* One letter of the script. */
static void take_step(struct generator *g, struct connection *c, char letter)
{
    unsigned side = letter >= 'A' && letter <= 'Z';

    switch (letter | 0x20) {
    case 's':
        send(g, c, side, side ? SYN | ACK : SYN, NULL, 0);
        break;
    case 'a':
        send(g, c, side, ACK, NULL, 0);
        break;
    case 'h':
        side ? send_server_hello(g, c) : send_hello(g, c, false);
        break;
    case 'i':
        send_hello(g, c, true);
        break;
    case 'e':
        send_small_record(g, c, side);
        break;
    case 'g':
        send_text(g, c, side);
        break;
    case 'd':
    case 'o':
        send_data(g, c, side, (letter | 0x20) == 'o');
        break;
    case 't':
        send_at(g, c, side, ACK, c->seq[side] - c->last, random_bytes(g), c->last);
        break;
    case 'f':
        send(g, c, side, FIN | ACK, NULL, 0);
        break;
    case 'r':
        send(g, c, side, RST | ACK, NULL, 0);
        break;
    case 'x':
        send(g, c, side, RST, NULL, 0);
        break;
    default:
        break;
    }
}

/* Goes one step on; false when the connection's script has ended. */
static bool advance(struct generator *g, struct connection *c)
{
    while (*c->at == '<' || *c->at == '>') {
        if (*c->at == '>' && c->left > 0) {
            while (*c->at != '<') {
                c->at--;
            }
        }
        c->at++;
    }
    if (*c->at) {
        take_step(g, c, *c->at++);
    }
    return *c->at != '\0';
}

static void start(struct generator *g, struct connection *c)
{
    uint32_t pick = random_below(&g->random, g->weights);
    const struct script *script = g->kind.scripts;

    while (pick >= script->weight) {
        pick -= script->weight;
        script++;
    }
    *c = (struct connection){.script = script, .at = script->letters, .number = g->started++};
    c->seq[0] = (uint32_t)random_next(&g->random);
    c->seq[1] = (uint32_t)random_next(&g->random);
    c->id[0] = (uint16_t)random_below(&g->random, 50000);
    c->id[1] = (uint16_t)random_below(&g->random, 50000);
    c->ipv6 = random_below(&g->random, 100) < g->kind.ipv6;
    c->vlan = random_below(&g->random, 100) < g->kind.vlan;
    c->timestamps = random_below(&g->random, 100) < 70;
    if (script->bytes) {
        c->left = script->bytes / 5 + random_below(&g->random, script->bytes * 8 / 5);
    } else if (strchr(script->letters, '<')) {
        c->left = UINT64_MAX / 2; /* without end */
    }
}

/* A UDP or ARP packet. */
static void make_noise(struct generator *g)
{
    uint8_t frame[FRAME_MAX];
    uint32_t length = 20 + random_below(&g->random, 1200);
    bool arp = random_below(&g->random, 10) == 0;

    output_frame(&g->output, g->now_ns, frame,
                 arp ? frame_arp(frame) : frame_udp(frame, random_bytes(g), length));
}

static bool may_start(const struct generator *g)
{
    return g->kind.connections == 0 || g->started < g->kind.connections;
}

static bool goes_on(const struct generator *g)
{
    return g->live_count > 0 && (g->kind.bytes == 0 || g->output.bytes < g->kind.bytes);
}

static void run(struct generator *g)
{
    while (g->live_count < g->kind.live && may_start(g)) {
        start(g, &g->live[g->live_count++]);
    }
    while (goes_on(g)) {
        uint32_t at = random_below(&g->random, (uint32_t)g->live_count);

        g->now_ns += random_below(&g->random, (uint32_t)g->kind.gap_ns * 2);
        if (random_below(&g->random, 1000) < g->kind.noise) {
            make_noise(g);
        } else if (!advance(g, &g->live[at])) {
            if (may_start(g)) {
                start(g, &g->live[at]);
            } else {
                g->live[at] = g->live[--g->live_count];
            }
        }
    }
}

/* Connections of which at least a segment has been written. */
static uint64_t count_connections(const struct generator *g)
{
    uint64_t silent = 0;

    for (uint64_t i = 0; i < g->live_count; i++) {
        silent += g->live[i].at == g->live[i].script->letters;
    }
    return g->started - silent;
}

static void print_truth(const struct generator *g)
{
    fprintf(stderr,
            "{\"kind\":\"%s\",\"bytes\":%" PRIu64 ",\"packets\":%" PRIu64
            ",\"tcp_segments\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"resets\":%" PRIu64 "}\n",
            g->kind.name, g->output.bytes, g->output.packets, g->segments, count_connections(g),
            g->resets);
}

static int usage(void)
{
    fprintf(stderr, "usage: whyrst-generate [--pcapng] [--bytes=N] [--connections=N] [--live=N] "
                    "KIND FILE\n\nFILE may be - for standard output; what is in the capture is "
                    "told on standard error, in JSON.\nKinds:\n");
    for (size_t i = 0; i < KINDS; i++) {
        fprintf(stderr, "  %-10s %s\n", kinds[i].name, kinds[i].what);
    }
    return 2;
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Sets *@value when @argument is the option; K, M and G multiply by thousands. */
static bool take_number(const char *argument, const char *option, uint64_t *value)
{
    size_t length = strlen(option);
    char *end;

    if (strncmp(argument, option, length) != 0) {
        return false;
    }
    *value = strtoull(argument + length, &end, 10);
    *value *= *end == 'K' ? 1000 : *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 1;
    return true;
}

static bool prepare(struct generator *g, int argc, char **argv, bool *pcapng)
{
    const struct kind *kind = argc < 3 ? NULL : find_kind(argv[argc - 2]);

    if (!kind) {
        return false;
    }
    g->kind = *kind;
    for (int i = 1; i < argc - 2; i++) {
        if (strcmp(argv[i], "--pcapng") == 0) {
            *pcapng = true;
        } else if (!take_number(argv[i], "--bytes=", &g->kind.bytes) &&
                   !take_number(argv[i], "--connections=", &g->kind.connections) &&
                   !take_number(argv[i], "--live=", &g->kind.live)) {
            return false;
        }
    }
    for (const struct script *script = g->kind.scripts; script->weight; script++) {
        g->weights += script->weight;
    }
    g->random.state = 1;
    for (size_t i = 0; i < sizeof g->pool; i++) {
        g->pool[i] = (uint8_t)random_next(&g->random);
    }
    g->now_ns = INT64_C(1780000000000000000);
    g->live = calloc(g->kind.live, sizeof *g->live);
    return g->live != NULL;
}

int main(int argc, char **argv)
{
    static struct generator g;
    bool pcapng = false;
    bool good;

    if (!prepare(&g, argc, argv, &pcapng)) {
        return usage();
    }
    hello_prepare();
    if (!output_open(&g.output, argv[argc - 1], pcapng)) {
        perror(argv[argc - 1]);
        return 1;
    }
    run(&g);
    good = output_close(&g.output);
    if (!good) {
        perror(argv[argc - 1]);
    } else {
        print_truth(&g);
    }
    free(g.live);
    return good ? 0 : 1;
}
