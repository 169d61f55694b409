/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libwiretap keeps global state (a pool of buffers, tables of formats) without locks, so one mutex
 * serialises every call into it: captures that need it are read by turns, their analysis still runs
 * side by side.
 */
#include "wiretap.h"

#include <dlfcn.h>
#include <pthread.h>

#include <glib.h>

#include "wiretap_compat.h"

#define LINKTYPE_ETHERNET    1u
#define LINKTYPE_PPP         9u
#define LINKTYPE_ATM_RFC1483 100u
#define LINKTYPE_RAW         101u
#define LINKTYPE_C_HDLC      104u
#define LINKTYPE_IEEE802_11  105u
#define LINKTYPE_UNSUPPORTED UINT32_MAX
#define LINKTYPE_END         400 /* beyond the registry's last entry */

/* ERF record types, by what follows the ERF header (Endace, "ERF types reference guide"). */
#define ERF_TYPE_MASK 0x7fu
enum erf_type {
    ERF_HDLC_POS = 1,
    ERF_ETH = 2,
    ERF_COLOR_HDLC_POS = 10,
    ERF_COLOR_ETH = 11,
    ERF_DSM_COLOR_HDLC_POS = 15,
    ERF_DSM_COLOR_ETH = 16,
    ERF_COLOR_HASH_POS = 19,
    ERF_COLOR_HASH_ETH = 20,
    ERF_IPV4 = 22,
    ERF_IPV6 = 23,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wiretap_functions functions; /* filled once, under the lock */
static char *load_error;

struct wiretap {
    const struct wiretap_functions *f;
    wtap *wth;
    struct wiretap_record record;
    uint64_t number;
    int encap; /* the last one searched for, and its link type */
    uint32_t link_type;
    char *message;
};

const char *wiretap_version(void)
{
    return WIRETAP_WIRESHARK_VERSION;
}

static void load(void)
{
    void *library = dlopen(WIRETAP_SONAME, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        load_error = g_strdup(dlerror());
        return;
    }
#define LOOK_UP(name)                                                                              \
    *(void **)&functions.name = dlsym(library, #name);                                             \
    if (!functions.name) {                                                                         \
        load_error = g_strdup(dlerror());                                                          \
        return;                                                                                    \
    }
    WIRETAP_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    /* Without this, Wireshark 4.0 logs every block of a pcapng file. */
    compat_log_init(&functions);
    functions.wtap_init(false);
}

/* The library's functions, or NULL; with the lock held. */
static const struct wiretap_functions *get_functions(void)
{
    static bool tried;

    if (!tried) {
        tried = true;
        load();
    }
    return load_error ? NULL : &functions;
}

/* "reason (detail)"; frees @info. */
static char *error_text(const struct wiretap_functions *f, int error, char *info)
{
    /* libwiretap says "Less data was read than was expected". */
    const char *reason = error == WTAP_ERR_SHORT_READ ? "cut short" : f->wtap_strerror(error);
    char *text = info ? g_strdup_printf("%s (%s)", reason, info) : g_strdup(reason);

    g_free(info);
    return text;
}

/* Wireshark also opens files that are no captures, each as one "packet"; whyrst finds nothing
 * there. */
static bool holds_no_packets(int encap)
{
    switch (encap) {
    case WTAP_ENCAP_MIME:
    case WTAP_ENCAP_JSON:
    case WTAP_ENCAP_MP4:
    case WTAP_ENCAP_RFC7468:
    case WTAP_ENCAP_RUBY_MARSHAL:
        return true;
    default:
        return false;
    }
}

/* Of a file that is open: what keeps it from being a capture (g_free), or NULL. */
static char *find_fault(const struct wiretap_functions *f, wtap *wth)
{
    if (!holds_no_packets(f->wtap_file_encap(wth))) {
        return NULL;
    }
    return g_strdup_printf("no capture; Wireshark takes it for \"%s\"",
                           f->wtap_file_type_subtype_description(f->wtap_file_type_subtype(wth)));
}

struct wiretap *wiretap_open(const char *path, enum whyrst_capture_status *status, char **message)
{
    const struct wiretap_functions *f;
    struct wiretap *wiretap = NULL;
    char *info = NULL;
    int error = 0;
    wtap *wth;

    pthread_mutex_lock(&lock);
    f = get_functions();
    if (!f) {
        *status = WHYRST_CAPTURE_UNKNOWN;
        *message = g_strdup_printf("neither pcap nor pcapng, and Wireshark's library that reads "
                                   "other formats cannot be loaded: %s",
                                   load_error);
        goto out;
    }
    wth = f->wtap_open_offline(path, WTAP_TYPE_AUTO, &error, &info, false);
    if (!wth) {
        *status =
            error == WTAP_ERR_FILE_UNKNOWN_FORMAT ? WHYRST_CAPTURE_UNKNOWN : WHYRST_CAPTURE_CORRUPT;
        *message = error == WTAP_ERR_FILE_UNKNOWN_FORMAT
                       ? g_strdup("no capture in any format that whyrst or Wireshark knows")
                       : error_text(f, error, info);
        goto out;
    }
    *message = find_fault(f, wth);
    if (*message) {
        *status = WHYRST_CAPTURE_UNKNOWN;
        f->wtap_close(wth);
        goto out;
    }
    wiretap = g_new0(struct wiretap, 1);
    wiretap->f = f;
    wiretap->wth = wth;
    wiretap->encap = WTAP_ENCAP_UNKNOWN;
    wiretap->link_type = LINKTYPE_UNSUPPORTED;
    compat_record_init(f, &wiretap->record);
    *status = WHYRST_CAPTURE_OK;
out:
    pthread_mutex_unlock(&lock);
    return wiretap;
}

/*
 * The link type of an encapsulation. libwiretap exports only the other direction, so it is
 * searched; of several link types with one meaning the first will do.
 */
static uint32_t search_link_type(struct wiretap *wiretap, int encap)
{
    int link_type = 0;

    if (wiretap->encap == encap) {
        return wiretap->link_type;
    }
    while (link_type < LINKTYPE_END &&
           wiretap->f->wtap_pcap_encap_to_wtap_encap(link_type) != encap) {
        link_type++;
    }
    wiretap->encap = encap;
    wiretap->link_type = link_type < LINKTYPE_END ? (uint32_t)link_type : LINKTYPE_UNSUPPORTED;
    return wiretap->link_type;
}

static uint32_t erf_link_type(const struct erf_phdr *header, const struct whyrst_frame *frame)
{
    switch (header->type & ERF_TYPE_MASK) {
    case ERF_ETH:
    case ERF_COLOR_ETH:
    case ERF_DSM_COLOR_ETH:
    case ERF_COLOR_HASH_ETH:
        return LINKTYPE_ETHERNET;
    case ERF_IPV4:
    case ERF_IPV6:
        return LINKTYPE_RAW;
    case ERF_HDLC_POS:
    case ERF_COLOR_HDLC_POS:
    case ERF_DSM_COLOR_HDLC_POS:
    case ERF_COLOR_HASH_POS:
        /* RFC 1662: PPP in HDLC-like framing starts with the all-stations address. */
        return frame->captured && frame->data[0] == 0xff ? LINKTYPE_PPP : LINKTYPE_C_HDLC;
    default:
        return LINKTYPE_UNSUPPORTED;
    }
}

/* NetScaler traces: an Ethernet frame after a header of a length that the record tells. */
static uint32_t strip_nstrace(struct whyrst_frame *frame, unsigned offset)
{
    if (offset > frame->captured) {
        return LINKTYPE_UNSUPPORTED;
    }
    frame->data += offset;
    frame->captured -= offset;
    frame->length -= MIN(frame->length, offset);
    return LINKTYPE_ETHERNET;
}

static void set_link_type(struct wiretap *wiretap, struct whyrst_frame *frame)
{
    const wtap_packet_header *header = &wiretap->record.rec.rec_header.packet_header;
    const union wtap_pseudo_header *pseudo = &header->pseudo_header;

    switch (header->pkt_encap) {
    case WTAP_ENCAP_ETHERNET:
    case WTAP_ENCAP_NETTL_ETHERNET:
        frame->link_type = LINKTYPE_ETHERNET;
        return;
    case WTAP_ENCAP_RAW_IP:
        frame->link_type = LINKTYPE_RAW;
        return;
    case WTAP_ENCAP_ATM_RFC1483:
        frame->link_type = LINKTYPE_ATM_RFC1483;
        return;
    case WTAP_ENCAP_IEEE_802_11_WITH_RADIO:
        frame->link_type = LINKTYPE_IEEE802_11;
        return;
    case WTAP_ENCAP_CHDLC_WITH_PHDR:
        frame->link_type = LINKTYPE_C_HDLC;
        return;
    case WTAP_ENCAP_PPP_WITH_PHDR:
        frame->link_type = LINKTYPE_PPP;
        return;
    case WTAP_ENCAP_ERF:
        frame->link_type = erf_link_type(&pseudo->erf.phdr, frame);
        return;
    case WTAP_ENCAP_NSTRACE_1_0:
    case WTAP_ENCAP_NSTRACE_2_0:
    case WTAP_ENCAP_NSTRACE_3_0:
    case WTAP_ENCAP_NSTRACE_3_5:
        frame->link_type = strip_nstrace(frame, pseudo->nstr.eth_offset);
        return;
    default:
        frame->link_type = search_link_type(wiretap, header->pkt_encap);
    }
}

static void set_frame(struct wiretap *wiretap, struct whyrst_frame *frame)
{
    const wtap_rec *rec = &wiretap->record.rec;

    *frame = (struct whyrst_frame){.number = ++wiretap->number, .link_type = LINKTYPE_UNSUPPORTED};
    if (rec->presence_flags & WTAP_HAS_TS &&
        (__builtin_mul_overflow((int64_t)rec->ts.secs, INT64_C(1000000000), &frame->time_ns) ||
         __builtin_add_overflow(frame->time_ns, (int64_t)rec->ts.nsecs, &frame->time_ns))) {
        frame->time_ns = 0;
    }
    if (rec->rec_type != REC_TYPE_PACKET) {
        return;
    }
    frame->data = compat_bytes(&wiretap->record);
    frame->captured = rec->rec_header.packet_header.caplen;
    frame->length = rec->rec_header.packet_header.len;
    set_link_type(wiretap, frame);
}

/* A compressed nothing passes for a format without a file header, and of no frames: ERF. */
static bool is_empty(const struct wiretap *wiretap)
{
    return wiretap->number == 0 && wiretap->f->wtap_file_encap(wiretap->wth) == WTAP_ENCAP_ERF;
}

enum whyrst_capture_status wiretap_next(struct wiretap *wiretap, struct whyrst_frame *frame)
{
    enum whyrst_capture_status status = WHYRST_CAPTURE_OK;
    char *info = NULL;
    int error = 0;

    pthread_mutex_lock(&lock);
    if (compat_read(wiretap->f, wiretap->wth, &wiretap->record, &error, &info)) {
        set_frame(wiretap, frame);
    } else if (error == 0 && is_empty(wiretap)) {
        status = WHYRST_CAPTURE_TRUNCATED;
        wiretap->message = g_strdup("is empty: nothing was compressed");
    } else if (error == 0) {
        status = WHYRST_CAPTURE_END;
    } else {
        char *text = error_text(wiretap->f, error, g_steal_pointer(&info));

        status = error == WTAP_ERR_SHORT_READ ? WHYRST_CAPTURE_TRUNCATED
                 : error > 0                  ? WHYRST_CAPTURE_IO
                                              : WHYRST_CAPTURE_CORRUPT;
        wiretap->message =
            g_strdup_printf("after frame %" G_GUINT64_FORMAT ": %s", wiretap->number, text);
        g_free(text);
    }
    g_free(info); /* some readers find fault and go on: NetScreen's in 4.0 */
    pthread_mutex_unlock(&lock);
    return status;
}

const char *wiretap_message(const struct wiretap *wiretap)
{
    return wiretap->message;
}

uint64_t wiretap_offset(const struct wiretap *wiretap)
{
    int64_t offset;

    pthread_mutex_lock(&lock);
    offset = wiretap->f->wtap_read_so_far(wiretap->wth);
    pthread_mutex_unlock(&lock);
    return offset > 0 ? (uint64_t)offset : 0;
}

void wiretap_close(struct wiretap *wiretap)
{
    if (!wiretap) {
        return;
    }
    pthread_mutex_lock(&lock);
    compat_record_clear(wiretap->f, &wiretap->record);
    wiretap->f->wtap_close(wiretap->wth);
    pthread_mutex_unlock(&lock);
    g_free(wiretap->message);
    g_free(wiretap);
}
