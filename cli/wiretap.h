/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The reader of every other format: Wireshark's libwiretap.
 *
 * It is loaded when first needed: most captures are pcap or pcapng, and libwiretap with what it
 * links would cost them more memory than the analysis does. The program runs without it, too.
 */
#ifndef CLI_WIRETAP_H
#define CLI_WIRETAP_H

#include <whyrst/capture.h>

struct wiretap;

/** Version of Wireshark that the fallback was built for, or NULL when it was left out. */
const char *wiretap_version(void);

/**
 * Opens the capture at @path. Returns NULL on failure: @status says of which kind
 * (WHYRST_CAPTURE_UNKNOWN when no format fits), @message (g_free) why.
 */
struct wiretap *wiretap_open(const char *path, enum whyrst_capture_status *status, char **message);
/** As whyrst_capture_next(). */
enum whyrst_capture_status wiretap_next(struct wiretap *wiretap, struct whyrst_frame *frame);
/** As whyrst_capture_message(). */
const char *wiretap_message(const struct wiretap *wiretap);
/** Bytes of the file, compressed or not, consumed so far. */
uint64_t wiretap_offset(const struct wiretap *wiretap);
void wiretap_close(struct wiretap *wiretap);

#endif
