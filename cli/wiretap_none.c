/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of wiretap.c where libwiretap's headers are missing. */
#include <glib.h>

#include "wiretap.h"

const char *wiretap_version(void)
{
    return NULL;
}

struct wiretap *wiretap_open(const char *path, enum whyrst_capture_status *status, char **message)
{
    (void)path;
    *status = WHYRST_CAPTURE_UNKNOWN;
    *message = g_strdup("neither pcap nor pcapng; this whyrst was built without Wireshark's "
                        "libwiretap, which reads compressed captures and other formats");
    return NULL;
}

enum whyrst_capture_status wiretap_next(struct wiretap *wiretap, struct whyrst_frame *frame)
{
    (void)wiretap;
    (void)frame;
    return WHYRST_CAPTURE_END;
}

const char *wiretap_message(const struct wiretap *wiretap)
{
    (void)wiretap;
    return NULL;
}

uint64_t wiretap_offset(const struct wiretap *wiretap)
{
    (void)wiretap;
    return 0;
}

void wiretap_close(struct wiretap *wiretap)
{
    (void)wiretap;
}
