/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What differs in libwiretap between Wireshark 4.0, 4.4 and 4.6: all of it is here.
 */
#ifndef CLI_WIRETAP_COMPAT_H
#define CLI_WIRETAP_COMPAT_H

#include <wireshark.h>
#include <wiretap/pcap-encap.h>
#include <wiretap/wtap.h>
#include <wsutil/buffer.h>
#include <wsutil/wslog.h>

#define WS_AT_LEAST(major, minor)                                                                  \
    (WIRESHARK_VERSION_MAJOR * 100 + WIRESHARK_VERSION_MINOR >= (major)*100 + (minor))

/* A first allocation that holds any Ethernet frame. */
#define RECORD_BYTES 2048

/* The functions used, as they are declared by the headers at hand. */
#define WIRETAP_COMMON_FUNCTIONS(X)                                                                \
    X(ws_log_init)                                                                                 \
    X(wtap_init)                                                                                   \
    X(wtap_open_offline)                                                                           \
    X(wtap_close)                                                                                  \
    X(wtap_read)                                                                                   \
    X(wtap_read_so_far)                                                                            \
    X(wtap_file_encap)                                                                             \
    X(wtap_file_type_subtype)                                                                      \
    X(wtap_file_type_subtype_description)                                                          \
    X(wtap_rec_init)                                                                               \
    X(wtap_rec_reset)                                                                              \
    X(wtap_rec_cleanup)                                                                            \
    X(wtap_strerror)                                                                               \
    X(wtap_pcap_encap_to_wtap_encap)

#if WS_AT_LEAST(4, 6)
#define WIRETAP_FUNCTIONS(X) WIRETAP_COMMON_FUNCTIONS(X)
#else
#define WIRETAP_FUNCTIONS(X)                                                                       \
    WIRETAP_COMMON_FUNCTIONS(X)                                                                    \
    X(ws_buffer_init)                                                                              \
    X(ws_buffer_free)
#endif

#define WIRETAP_MEMBER(name) __typeof__(name) *name;

/** struct wiretap_functions - the library's functions, looked up at run time */
struct wiretap_functions {
    WIRETAP_FUNCTIONS(WIRETAP_MEMBER)
};

/** struct wiretap_record - one record's header and bytes, wherever the version keeps the bytes */
struct wiretap_record {
    wtap_rec rec;
#if !WS_AT_LEAST(4, 6)
    Buffer bytes;
#endif
};

static inline void compat_log_init(const struct wiretap_functions *f)
{
#if WS_AT_LEAST(4, 6)
    f->ws_log_init(NULL);
#else
    f->ws_log_init("whyrst", NULL);
#endif
}

static inline void compat_record_init(const struct wiretap_functions *f,
                                      struct wiretap_record *record)
{
#if WS_AT_LEAST(4, 6)
    f->wtap_rec_init(&record->rec, RECORD_BYTES);
#else
    f->wtap_rec_init(&record->rec);
    f->ws_buffer_init(&record->bytes, RECORD_BYTES);
#endif
}

static inline void compat_record_clear(const struct wiretap_functions *f,
                                       struct wiretap_record *record)
{
    f->wtap_rec_cleanup(&record->rec);
#if !WS_AT_LEAST(4, 6)
    f->ws_buffer_free(&record->bytes);
#endif
}

static inline bool compat_read(const struct wiretap_functions *f, wtap *wth,
                               struct wiretap_record *record, int *error, char **info)
{
    int64_t offset;

    f->wtap_rec_reset(&record->rec); /* each record's block of options is ours to free */
#if WS_AT_LEAST(4, 6)
    return f->wtap_read(wth, &record->rec, error, info, &offset);
#else
    return f->wtap_read(wth, &record->rec, &record->bytes, error, info, &offset);
#endif
}

static inline const uint8_t *compat_bytes(const struct wiretap_record *record)
{
#if WS_AT_LEAST(4, 6)
    const Buffer *bytes = &record->rec.data;
#else
    const Buffer *bytes = &record->bytes;
#endif

    return bytes->data + bytes->start;
}

#endif
