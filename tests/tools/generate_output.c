/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes pcap (microseconds) and pcapng (nanoseconds), in the byte order of this machine. */
#include "generate.h"

#define BUFFER (1024u * 1024)

static void put_bytes(struct output *output, const void *data, size_t length)
{
    output->bytes += fwrite(data, 1, length, output->file);
}

static void put_pcap_header(struct output *output)
{
    const uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2u, 0, 0, 262144, 1 /* Ethernet */};

    put_bytes(output, header, sizeof header);
}

static void put_pcapng_header(struct output *output)
{
    const uint32_t section[7] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX, 28};
    /* Ethernet; option if_tsresol (9) of one byte: 10^-9; end of options */
    const uint32_t interface[8] = {1, 32, 1, 262144, 1u << 16 | 9u, 9, 0, 32};

    put_bytes(output, section, sizeof section);
    put_bytes(output, interface, sizeof interface);
}

bool output_open(struct output *output, const char *path, bool pcapng)
{
    *output = (struct output){.pcapng = pcapng};
    output->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (!output->file) {
        return false;
    }
    (void)setvbuf(output->file, NULL, _IOFBF, BUFFER);
    (pcapng ? put_pcapng_header : put_pcap_header)(output);
    return true;
}

static void put_pcapng_frame(struct output *output, int64_t time_ns, const uint8_t *frame,
                             uint32_t length)
{
    const uint8_t padding[4] = {0};
    uint32_t pad = -length & 3u;
    uint32_t total = 32 + length + pad;
    uint32_t head[7] = {6,      total, 0, (uint32_t)((uint64_t)time_ns >> 32), (uint32_t)time_ns,
                        length, length};

    put_bytes(output, head, sizeof head);
    put_bytes(output, frame, length);
    put_bytes(output, padding, pad);
    put_bytes(output, &total, sizeof total);
}

void output_frame(struct output *output, int64_t time_ns, const uint8_t *frame, size_t length)
{
    uint32_t size = (uint32_t)length;
    uint32_t head[4] = {(uint32_t)(time_ns / 1000000000), (uint32_t)(time_ns % 1000000000 / 1000),
                        size, size};

    output->packets++;
    if (output->pcapng) {
        put_pcapng_frame(output, time_ns, frame, size);
        return;
    }
    put_bytes(output, head, sizeof head);
    put_bytes(output, frame, length);
}

bool output_close(struct output *output)
{
    bool failed = ferror(output->file) != 0;

    return fclose(output->file) == 0 && !failed;
}
